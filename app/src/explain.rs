//! What a name means: a field of the scenario, a number of the report, or a term of the field.
//!
//! Fields say what the comments of their structs say ([`sim_core::docs`]); units and ranges are asked of the validation, by
//! giving it a value that is wrong on purpose ([`sim_core::docs::probe`]). So nothing here can differ from the program.

pub(crate) mod numbers;
pub(crate) mod objectives;
pub(crate) mod vocabulary;

/// Columns of a line of text.
const WIDTH: usize = 96;

/// `words` in lines, every line behind `indent` blanks but for the first, which is behind `first`.
pub(crate) fn wrap(out: &mut String, first: &str, indent: usize, words: &str) {
    let mut line = format!("{first:<indent$}");
    let mut fresh = true;
    for word in words.split_whitespace() {
        if !fresh && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(indent);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}
