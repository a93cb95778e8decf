//! Colours, from `assets/theme/*.ron`, fonts, and what egui needs to know of them. The one place that makes colours.

use std::sync::{Arc, OnceLock};

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Shadow, Stroke,
    TextStyle, Visuals, vec2,
};
use serde::Deserialize;

/// The colours of one theme, by what they are for.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Dark or light.
    pub dark: bool,
    /// Behind everything.
    pub background: Color32,
    /// Cards and panels.
    pub surface: Color32,
    /// Buttons and empty bars.
    pub raised: Color32,
    /// Buttons under the pointer.
    pub hovered: Color32,
    /// Hairlines and grids.
    pub line: Color32,
    /// Words to read first.
    pub text: Color32,
    /// Words to read next.
    pub muted: Color32,
    /// Axes and footnotes.
    pub faint: Color32,
    /// What the hand can take hold of.
    pub accent: Color32,
    /// Words on the accent.
    pub on_accent: Color32,
    /// All is well.
    pub good: Color32,
    /// Look here.
    pub warn: Color32,
    /// Broken.
    pub bad: Color32,
    /// Beyond the break.
    pub shade: Color32,
    /// One colour per series.
    pub series: Vec<Color32>,
    /// From empty to full.
    pub viridis: Vec<Color32>,
}

impl Theme {
    /// The theme for a dark or a light window.
    pub fn of(dark: bool) -> &'static Theme {
        static DARK: OnceLock<Theme> = OnceLock::new();
        static LIGHT: OnceLock<Theme> = OnceLock::new();
        if dark {
            DARK.get_or_init(|| embedded(include_str!("../../../assets/theme/dark.ron")))
        } else {
            LIGHT.get_or_init(|| embedded(include_str!("../../../assets/theme/light.ron")))
        }
    }

    /// Colour of a resource that is this full, 0..=1.
    pub fn utilization(&self, share: f64) -> Color32 {
        let last = self.viridis.len() - 1;
        let place = share.clamp(0.0, 1.0) as f32 * last as f32;
        let below = (place as usize).min(last - 1);
        self.viridis[below].lerp_to_gamma(self.viridis[below + 1], place - below as f32)
    }

    /// Colour of series `index`.
    pub fn series(&self, index: usize) -> Color32 {
        self.series[index % self.series.len()]
    }
}

/// The family of headlines and of what is to be read first.
pub const STRONG: &str = "strong";

/// Tells egui about the fonts and both themes.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for dark in [true, false] {
        let theme = if dark {
            egui::Theme::Dark
        } else {
            egui::Theme::Light
        };
        ctx.style_mut_of(theme, |style| dress(style, Theme::of(dark)));
    }
}

/// Inter for words; egui's own fonts stay behind it for what it lacks.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8]| {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    };
    add(
        "Inter",
        include_bytes!("../../../assets/fonts/Inter-Regular.otf"),
    );
    add(
        "Inter SemiBold",
        include_bytes!("../../../assets/fonts/Inter-SemiBold.otf"),
    );
    let behind = fonts.families.entry(FontFamily::Proportional).or_default();
    let mut strong = behind.clone();
    behind.insert(0, "Inter".to_owned());
    strong.insert(0, "Inter SemiBold".to_owned());
    fonts
        .families
        .insert(FontFamily::Name(STRONG.into()), strong);
    fonts
}

fn dress(style: &mut egui::Style, theme: &Theme) {
    style.visuals = visuals(theme);
    style.spacing.item_spacing = vec2(8.0, 6.0);
    style.spacing.button_padding = vec2(10.0, 5.0);
    style.spacing.interact_size.y = 28.0;
    style.animation_time = 0.0;
    style.interaction.selectable_labels = false;
    let font = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles.insert(TextStyle::Body, font(14.0));
    style.text_styles.insert(TextStyle::Button, font(14.0));
    style.text_styles.insert(TextStyle::Small, font(12.0));
    style.text_styles.insert(TextStyle::Heading, font(24.0));
}

fn visuals(theme: &Theme) -> Visuals {
    let mut visuals = if theme.dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    visuals.panel_fill = theme.background;
    visuals.window_fill = theme.surface;
    visuals.window_stroke = Stroke::new(1.0, theme.line);
    visuals.faint_bg_color = theme.surface;
    visuals.extreme_bg_color = theme.surface;
    visuals.weak_text_color = Some(theme.muted);
    visuals.warn_fg_color = theme.warn;
    visuals.error_fg_color = theme.bad;
    visuals.hyperlink_color = theme.accent;
    visuals.selection.bg_fill = theme.hovered;
    visuals.selection.stroke = Stroke::new(1.5, theme.accent);
    visuals.popup_shadow = Shadow::NONE;
    visuals.window_shadow = Shadow::NONE;
    visuals.disabled_alpha = 0.62;
    let widgets = &mut visuals.widgets;
    let all = [
        (
            &mut widgets.noninteractive,
            theme.surface,
            theme.text,
            theme.line,
        ),
        (&mut widgets.inactive, theme.raised, theme.text, theme.line),
        (&mut widgets.hovered, theme.hovered, theme.text, theme.faint),
        (&mut widgets.active, theme.hovered, theme.text, theme.accent),
        (&mut widgets.open, theme.raised, theme.text, theme.line),
    ];
    for (widget, fill, text, outline) in all {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.bg_stroke = Stroke::new(1.0, outline);
        widget.corner_radius = CornerRadius::same(6);
        widget.expansion = 0.0;
    }
    visuals
}

/// The file form: colours as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    dark: bool,
    background: String,
    surface: String,
    raised: String,
    hovered: String,
    line: String,
    text: String,
    muted: String,
    faint: String,
    accent: String,
    on_accent: String,
    good: String,
    warn: String,
    bad: String,
    shade: String,
    series: Vec<String>,
    viridis: Vec<String>,
}

/// Themes are part of the program: a wrong one is found by the tests, not by users.
fn embedded(text: &str) -> Theme {
    parse(text).unwrap_or_else(|error| panic!("a theme in assets/theme is wrong: {error}"))
}

fn parse(text: &str) -> Result<Theme, String> {
    let file: ThemeFile = ron::from_str(text).map_err(|error| error.to_string())?;
    let colors = |texts: &[String]| {
        texts
            .iter()
            .map(|text| color(text))
            .collect::<Result<Vec<_>, _>>()
    };
    let theme = Theme {
        dark: file.dark,
        background: color(&file.background)?,
        surface: color(&file.surface)?,
        raised: color(&file.raised)?,
        hovered: color(&file.hovered)?,
        line: color(&file.line)?,
        text: color(&file.text)?,
        muted: color(&file.muted)?,
        faint: color(&file.faint)?,
        accent: color(&file.accent)?,
        on_accent: color(&file.on_accent)?,
        good: color(&file.good)?,
        warn: color(&file.warn)?,
        bad: color(&file.bad)?,
        shade: color(&file.shade)?,
        series: colors(&file.series)?,
        viridis: colors(&file.viridis)?,
    };
    if theme.series.is_empty() || theme.viridis.len() < 2 {
        return Err("a theme needs at least one series colour and two utilisation colours".into());
    }
    Ok(theme)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the theme: the one place that makes colours"
)]
fn color(text: &str) -> Result<Color32, String> {
    Color32::from_hex(text)
        .map_err(|_| format!("{text:?} is no colour; write \"#RRGGBB\" or \"#RRGGBBAA\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance contrast as in WCAG 2.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |color: Color32| {
            let [r, g, b, _] = egui::Rgba::from(color).to_array();
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn words_can_be_read_in_both_themes() {
        for dark in [true, false] {
            let theme = Theme::of(dark);
            assert_eq!(theme.dark, dark);
            for behind in [theme.background, theme.surface] {
                for word in [
                    theme.text,
                    theme.muted,
                    theme.good,
                    theme.warn,
                    theme.bad,
                    theme.accent,
                ] {
                    assert!(
                        contrast(word, behind) >= 4.5,
                        "{word:?} on {behind:?}: {}",
                        contrast(word, behind)
                    );
                }
                assert!(contrast(theme.faint, behind) >= 3.0);
            }
            assert!(contrast(theme.on_accent, theme.accent) >= 4.5);
        }
    }

    #[test]
    fn utilisation_runs_through_the_whole_scale() {
        let theme = Theme::of(true);
        assert_eq!(theme.utilization(-1.0), theme.viridis[0]);
        assert_eq!(
            theme.utilization(2.0),
            theme.viridis[theme.viridis.len() - 1]
        );
        assert_ne!(theme.utilization(0.3), theme.utilization(0.6));
    }

    #[test]
    fn a_wrong_theme_is_a_sentence() {
        assert!(parse("(dark: true)").is_err());
        let broken = include_str!("../../../assets/theme/dark.ron").replace("#10171F", "navy");
        assert!(parse(&broken).is_err_and(|error| error.contains("navy")));
    }
}
