//! The change log knows the version, or says what has not been released.

use super::Finding;

pub(super) const PAGE: &str = "CHANGELOG.md";

pub(super) fn check(log: &str, version: &str) -> Option<Finding> {
    let is_heading = |line: &&str| line.starts_with('#');
    let mut headings = log.lines().filter(is_heading);
    let known = headings.any(|line| line.contains("Unreleased") || has_version(line, version));
    let message = format!("no section for {version}, and none that is Unreleased");
    (!known).then(|| Finding::new(PAGE, 1, message))
}

fn has_version(line: &str, version: &str) -> bool {
    let words = line.split(|c: char| c.is_whitespace() || "[](),".contains(c));
    words.into_iter().any(|word| word.trim_start_matches('v') == version)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_log_without_the_version_is_found() {
        assert!(check("", "0.1.0").is_some());
        assert!(check("## 0.1.1\n0.1.0 was good; Unreleased was not", "0.1.0").is_some());
        assert!(check("## 10.1.0", "0.1.0").is_some());
    }

    #[test]
    fn a_log_with_it_is_fine() {
        assert_eq!(check("# Changes\n## [0.1.0] - 2026", "0.1.0"), None);
        assert_eq!(check("## Unreleased", "0.1.0"), None);
    }
}
