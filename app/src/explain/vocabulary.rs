//! Terms of the field: `assets/vocabulary.txt`.

/// A term and its explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// What it is called, the usual name first.
    pub(crate) names: Vec<&'static str>,
    /// What it means, one text per paragraph.
    pub(crate) text: Vec<&'static str>,
}

/// All terms, in the order of the file.
pub(crate) fn all() -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for line in include_str!("../../../assets/vocabulary.txt").lines() {
        if let Some(names) = line.strip_prefix("# ") {
            let names = names.split(" | ").map(str::trim).collect();
            let text = Vec::new();
            terms.push(Term { names, text });
        } else if let (false, Some(term)) = (line.trim().is_empty(), terms.last_mut()) {
            term.text.push(line.trim());
        }
    }
    terms
}

/// A term by one of its names; case, `_` and `-` do not matter.
pub(crate) fn find(name: &str) -> Option<Term> {
    let wanted = plain(name);
    all()
        .into_iter()
        .find(|term| term.names.iter().any(|known| plain(known) == wanted))
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], " ")
}
