//! What is chosen on the map, and which part of the map is seen.

use egui::{Pos2, Rect, Vec2};
use sim_core::scenario::Tier;

/// A tier, or one instance of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Which tier.
    pub tier: Tier,
    /// Which instance, from 0; `None`: all of them.
    pub instance: Option<u32>,
}

/// The tier of a name in the report.
pub fn tier_of(name: &str) -> Option<Tier> {
    Tier::ALL.into_iter().find(|tier| tier.name() == name)
}

/// Least and most that the map is enlarged.
const ZOOM: (f32, f32) = (0.6, 4.0);

/// Which part of the map is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapView {
    /// How much it is enlarged; 1: the whole map.
    pub zoom: f32,
    /// How far its middle is moved, points.
    pub pan: Vec2,
}

impl Default for MapView {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            pan: Vec2::ZERO,
        }
    }
}

impl MapView {
    /// Where the whole map lies if `area` of it is seen.
    pub fn lies(&self, area: Rect) -> Rect {
        Rect::from_center_size(area.center() + self.pan, area.size() * self.zoom)
    }

    /// Enlarged by a factor; what is at `around`, from the middle of what is seen, stays there.
    pub fn zoomed(self, factor: f32, around: Vec2) -> Self {
        let zoom = (self.zoom * factor).clamp(ZOOM.0, ZOOM.1);
        Self {
            zoom,
            pan: around + (self.pan - around) * (zoom / self.zoom),
        }
    }

    /// Moved, at most until the middle is at the rim of `area`.
    pub fn panned(self, by: Vec2, area: Rect) -> Self {
        let most = area.size() * self.zoom / 2.0;
        Self {
            pan: (self.pan + by).clamp(-most, most),
            ..self
        }
    }

    /// Where a point of `area` lies from its middle.
    pub fn from_middle(area: Rect, at: Option<Pos2>) -> Vec2 {
        at.map_or(Vec2::ZERO, |at| at - area.center())
    }
}

#[cfg(test)]
mod tests {
    use egui::{pos2, vec2};

    use super::*;

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let area = Rect::from_min_size(pos2(0.0, 100.0), vec2(800.0, 400.0));
        let at = pos2(600.0, 150.0);
        let seen = |view: MapView| {
            let lies = view.lies(area);
            (at - lies.min) / lies.size()
        };
        let around = MapView::from_middle(area, Some(at));
        let view = MapView::default();
        let larger = view.zoomed(2.0, around);
        assert!((seen(view) - seen(larger)).length() < 1e-5);
        assert_eq!(larger.zoom, 2.0);
        assert_eq!(view.zoomed(100.0, around).zoom, 4.0);
        let back = larger.zoomed(0.5, around);
        assert!((back.pan - view.pan).length() < 1e-3);
    }

    #[test]
    fn the_map_is_not_lost() {
        let area = Rect::from_min_size(pos2(0.0, 0.0), vec2(800.0, 400.0));
        let far = MapView::default().panned(vec2(1e6, 0.0), area);
        assert!(area.intersects(far.lies(area)));
    }
}
