//! Text of a scenario made harmless in HTML, Markdown and Mermaid. Every word that is not ours passes through here.

/// Text in an HTML element or a quoted attribute.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_unsafe(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text on one line of Markdown, in a table cell too: no markup, no mention of a person, no issue number.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // A word joiner keeps `@name` and `#12` from becoming links.
            '@' | '#' => {
                out.push('\\');
                out.push(c);
                out.push('\u{2060}');
            }
            c if is_unsafe(c) => out.push(' '),
            c => out.push(c),
        }
    }
    without_list(out)
}

/// A line that begins like a list item or a rule would become one.
fn without_list(text: String) -> String {
    let line = text.trim_start();
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let at = match line.chars().nth(digits) {
        Some('.' | ')') if digits > 0 => digits,
        Some('-' | '+' | '=') if digits == 0 => 0,
        _ => return text,
    };
    let after = line.chars().nth(at + 1);
    let is_marker = after.is_none_or(|c| c.is_whitespace() || (at == 0 && c == '-' || c == '='));
    if is_marker {
        format!("{}\\{}", &line[..at], &line[at..])
    } else {
        text
    }
}

/// Text as a code span of a Markdown table cell, fenced by more backticks than it holds in a row.
pub(crate) fn markdown_code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_unsafe(c) { ' ' } else { c })
        .collect::<String>()
        .replace('|', "\\|");
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// Text in a quoted Mermaid label.
pub(crate) fn mermaid(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | '"' | '<' | '>' | '&' | '`' | ';' | '{' | '}' | '[' | ']' | '(' | ')' | '|'
            | '\\' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            c if is_unsafe(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A sentence of ours that may quote an objective in backticks: `plain` for the words, `code` for the quotation.
pub(crate) fn prose(
    text: &str,
    plain: impl Fn(&str) -> String,
    code: impl Fn(&str) -> String,
) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let write = |(index, part): (usize, &&str)| {
        if index % 2 == 1 {
            code(part)
        } else if part.is_empty() {
            String::new()
        } else {
            plain(part)
        }
    };
    parts.iter().enumerate().map(write).collect()
}

/// A sentence as HTML.
pub(crate) fn html_prose(text: &str) -> String {
    prose(text, html, |code| format!("<code>{}</code>", html(code)))
}

/// A sentence as Markdown.
pub(crate) fn markdown_prose(text: &str) -> String {
    prose(text, markdown, markdown_code)
}

/// Control characters, line ends among them, and those that turn the direction of writing.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str =
        "<script>alert('x')</script> | `rm` *b* [a](http://x) @me #12 \"q\"\n& $x$ \u{202e}";

    #[test]
    fn html_holds_no_markup() {
        let text = html(EVIL);
        assert!(
            !text.contains(['<', '>', '"', '\'', '\n', '\u{202e}']),
            "{text}"
        );
        assert!(text.contains("&lt;script&gt;"));
    }

    #[test]
    fn markdown_holds_no_markup() {
        let text = markdown(EVIL);
        assert!(!text.contains(['<', '>', '\n']), "{text}");
        for (index, c) in text.char_indices().filter(|(_, c)| "|`*[]_".contains(*c)) {
            assert!(text[..index].ends_with('\\'), "{c} in {text}");
        }
        assert!(!text.contains("@me") && !text.contains("#12"), "{text}");
        assert_eq!(markdown("- item"), "\\- item");
        assert_eq!(markdown("12. item"), "12\\. item");
        assert_eq!(markdown("---"), "\\---");
        assert_eq!(markdown("212 ms"), "212 ms");
        assert_eq!(markdown("71.3 ms"), "71.3 ms");
        assert_eq!(markdown("+4 %"), "+4 %");
    }

    #[test]
    fn code_spans_outlast_their_backticks() {
        assert_eq!(markdown_code("a < b"), "`a < b`");
        assert_eq!(markdown_code("a `` b|c"), "```a `` b\\|c```");
        assert_eq!(markdown_code("`x"), "`` `x ``");
    }

    #[test]
    fn mermaid_labels_cannot_end_their_quotes() {
        let text = mermaid(EVIL);
        assert!(!text.contains(['"', '<', '>', '[', '`', '\n']), "{text}");
        assert_eq!(mermaid("a\"b"), "a#34;b");
    }

    #[test]
    fn quoted_objectives_become_code() {
        assert_eq!(
            html_prose("the objective `a < b`, at 3"),
            "the objective <code>a &lt; b</code>, at 3"
        );
        assert_eq!(
            markdown_prose("the objective `a < b`, at 3"),
            "the objective `a < b`, at 3"
        );
        assert_eq!(html_prose("an odd ` stays"), "an odd ` stays");
    }
}
