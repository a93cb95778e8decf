//! Colours, from `assets/theme/*.ron`, fonts, and what egui needs to know of them. The one place that makes colours.

use std::sync::{Arc, OnceLock};

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Shadow, Stroke,
    TextStyle, Visuals, vec2,
};
use serde::{Deserialize, Serialize};

/// The colours of one theme, by what they are for.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Dark or light.
    pub dark: bool,
    /// How much larger letters are than usual.
    pub letters: f32,
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

/// How the window may be dressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// Dark or light, as the system prefers.
    #[default]
    System,
    /// Light letters.
    Dark,
    /// Dark letters.
    Light,
    /// Every word at 7:1.
    HighContrast,
    /// Light, with large letters.
    Projector,
}

impl Look {
    /// All of them, in the order of the menu.
    pub const ALL: [Look; 5] = [
        Self::System,
        Self::Dark,
        Self::Light,
        Self::HighContrast,
        Self::Projector,
    ];

    /// Its name in the menu.
    pub fn title(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Dark => "Dark",
            Self::Light => "Light",
            Self::HighContrast => "High contrast",
            Self::Projector => "Projector",
        }
    }

    /// Its colours; `dark`: what the system prefers.
    pub fn theme(self, dark: bool) -> &'static Theme {
        static HIGH_CONTRAST: OnceLock<Theme> = OnceLock::new();
        static PROJECTOR: OnceLock<Theme> = OnceLock::new();
        match self {
            Self::System => Theme::of(dark),
            Self::Dark => Theme::of(true),
            Self::Light => Theme::of(false),
            Self::HighContrast => HIGH_CONTRAST
                .get_or_init(|| embedded(include_str!("../../../assets/theme/high-contrast.ron"))),
            Self::Projector => PROJECTOR
                .get_or_init(|| embedded(include_str!("../../../assets/theme/projector.ron"))),
        }
    }

    /// Tells egui.
    pub fn wear(self, ctx: &egui::Context) {
        if self == Self::System {
            install_themes(ctx);
            ctx.set_theme(egui::ThemePreference::System);
            return;
        }
        let theme = self.theme(true);
        let (slot, preference) = if theme.dark {
            (egui::Theme::Dark, egui::ThemePreference::Dark)
        } else {
            (egui::Theme::Light, egui::ThemePreference::Light)
        };
        ctx.style_mut_of(slot, |style| dress(style, theme));
        ctx.set_theme(preference);
    }
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
    install_themes(ctx);
}

fn install_themes(ctx: &egui::Context) {
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
    let font = |size: f32| FontId::new(size * theme.letters, FontFamily::Proportional);
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
    letters: Option<f32>,
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
    let options =
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    let file: ThemeFile = options.from_str(text).map_err(|error| error.to_string())?;
    let colors = |texts: &[String]| {
        texts
            .iter()
            .map(|text| color(text))
            .collect::<Result<Vec<_>, _>>()
    };
    let theme = Theme {
        dark: file.dark,
        letters: file.letters.unwrap_or(1.0),
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
    fn words_can_be_read_in_every_theme() {
        assert!(Theme::of(true).dark && !Theme::of(false).dark);
        for look in Look::ALL {
            let theme = look.theme(true);
            let (least, least_faint) = match look {
                Look::HighContrast => (7.0, 7.0),
                Look::Projector => (4.5, 4.5),
                _ => (4.5, 3.0),
            };
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
                        contrast(word, behind) >= least,
                        "{look:?}: {word:?} on {behind:?}: {}",
                        contrast(word, behind)
                    );
                }
                assert!(contrast(theme.faint, behind) >= least_faint);
            }
            assert!(contrast(theme.on_accent, theme.accent) >= least);
        }
    }

    /// What somebody without green cones sees (Viénot, Brettel and Mollon 1999: linear RGB to LMS, M from L and S, back).
    fn deuteranopia(color: Color32) -> [f32; 3] {
        let [r, g, b, _] = egui::Rgba::from(color).to_array();
        [
            0.29275 * r + 0.70725 * g,
            0.29275 * r + 0.70725 * g,
            -0.02234 * r + 0.02234 * g + b,
        ]
    }

    /// Distance in CIE L*a*b* (1976) of two linear colours.
    fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
        let lab = |[r, g, b]: [f32; 3]| {
            let f = |t: f32| {
                if t > 0.008_856 {
                    t.cbrt()
                } else {
                    7.787 * t + 16.0 / 116.0
                }
            };
            let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
            let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
            let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
            [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
        };
        let (a, b) = (lab(a), lab(b));
        let square = |i: usize| (a[i] - b[i]).powi(2);
        (square(0) + square(1) + square(2)).sqrt()
    }

    #[test]
    fn series_can_be_told_apart_without_green_cones() {
        for look in Look::ALL {
            let series = &look.theme(true).series;
            for (index, one) in series.iter().enumerate() {
                for other in &series[index + 1..] {
                    let apart = distance(deuteranopia(*one), deuteranopia(*other));
                    assert!(apart >= 10.0, "{look:?}: {one:?} and {other:?}: {apart}");
                }
            }
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
