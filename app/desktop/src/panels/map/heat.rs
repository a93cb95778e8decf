//! How full each instance of a tier is: one small cell each, so that a hot one stands out.
//!
//! Up to [`CELLS`] cells; of more instances each cell stands for several in a row and shows the fullest of them. A dead
//! instance is a crossed, empty cell. What the colours say is also said in words.

use egui::{Pos2, Rect, Stroke, StrokeKind, Ui, pos2, vec2};
use sim_core::system::TierHeat;

use crate::view_ctx::ViewCtx;
use crate::{format, words};

/// The most cells that are drawn.
const CELLS: usize = 40;

/// Instances per cell.
fn per_cell(instances: usize) -> usize {
    instances.div_ceil(CELLS).max(1)
}

/// Where the cell of an instance stands in a row of `space`.
fn cell(space: Rect, cells: usize, index: usize) -> Rect {
    let pitch = (space.width() / cells.max(1) as f32).min(space.height() * 1.9);
    let gap = (pitch * 0.16).min(2.5);
    let left = space.left() + pitch * index as f32;
    Rect::from_min_size(pos2(left, space.top()), vec2(pitch - gap, space.height()))
}

/// The instance whose cell is at `at`, of several that share one the fullest.
pub fn instance_at(heat: &TierHeat, space: Rect, at: Pos2) -> Option<usize> {
    let per = per_cell(heat.each.len());
    let mut chunks = heat.each.chunks(per).enumerate();
    let cells = heat.each.len().div_ceil(per);
    let (index, chunk) = chunks.find(|(index, _)| {
        let area = cell(space, cells, *index);
        area.expand2(vec2(area.width() * 0.1, 4.0)).contains(at)
    })?;
    let of = TierHeat {
        resource: heat.resource,
        each: chunk.to_vec(),
    };
    Some(index * per + of.fullest().map_or(0, |(inside, _)| inside))
}

/// Draws the cells.
pub fn show(ui: &Ui, view: &ViewCtx<'_>, heat: &TierHeat, space: Rect) {
    let (painter, theme) = (ui.painter(), view.theme);
    let per = per_cell(heat.each.len());
    let cells = heat.each.len().div_ceil(per);
    let fullest = heat.fullest().map(|(instance, _)| instance / per);
    for (index, chunk) in heat.each.chunks(per).enumerate() {
        let rect = cell(space, cells, index);
        let share = chunk.iter().flatten().copied().reduce(f32::max);
        let Some(share) = share else {
            painter.rect_stroke(rect, 1.0, Stroke::new(1.2, theme.bad), StrokeKind::Inside);
            painter.line_segment(
                [rect.left_top(), rect.right_bottom()],
                Stroke::new(1.2, theme.bad),
            );
            painter.line_segment(
                [rect.left_bottom(), rect.right_top()],
                Stroke::new(1.2, theme.bad),
            );
            continue;
        };
        painter.rect_filled(rect, 1.0, theme.utilization(share.into()));
        let (width, color) = if fullest == Some(index) {
            (1.6, theme.text)
        } else {
            (1.0, theme.line)
        };
        painter.rect_stroke(rect, 1.0, Stroke::new(width, color), StrokeKind::Inside);
    }
}

/// `2 dead, CPU #3: 92 %`: what is to be read beside the cells.
pub fn label(heat: &TierHeat) -> String {
    let dead = match heat.dead() {
        0 => None,
        dead => Some(format!("{dead} dead")),
    };
    let fullest = heat.fullest().map(|(instance, share)| {
        let resource = words::resource_title(heat.resource);
        let share = format::percent(share.into());
        format!("{resource} #{}: {share}", instance + 1)
    });
    let parts: Vec<String> = dead.into_iter().chain(fullest).collect();
    parts.join(", ")
}

/// For those who hear it: `the fullest of 4 now is number 3 at 92 %, 40 % on average, 1 dead`.
pub fn summary(heat: &TierHeat) -> String {
    let alive: Vec<f32> = heat.each.iter().flatten().copied().collect();
    let mean = alive.iter().sum::<f32>() / alive.len().max(1) as f32;
    let mut text = heat.fullest().map_or_else(
        || format!("all {} idle now", heat.each.len()),
        |(instance, share)| {
            format!(
                "the fullest of {} now is number {} at {}, {} on average",
                heat.each.len(),
                instance + 1,
                format::percent(share.into()),
                format::percent(mean.into())
            )
        },
    );
    if alive.is_empty() {
        text = format!("all {} dead", heat.each.len());
    } else if heat.dead() > 0 {
        text += &format!(", {} dead", heat.dead());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(each: &[Option<f32>]) -> TierHeat {
        TierHeat {
            resource: "cpu",
            each: each.to_vec(),
        }
    }

    #[test]
    fn a_cell_is_found_where_it_is_drawn() {
        let space = Rect::from_min_size(pos2(10.0, 20.0), vec2(120.0, 10.0));
        let four = heat(&[Some(0.1), Some(0.9), None, Some(0.2)]);
        for instance in 0..4 {
            let at = cell(space, 4, instance).center();
            assert_eq!(instance_at(&four, space, at), Some(instance));
        }
        assert_eq!(instance_at(&four, space, pos2(0.0, 0.0)), None);
        let mut many = vec![Some(0.1); 1_000];
        many[777] = Some(0.8);
        let many = heat(&many);
        let at = cell(space, 40, 777 / 25).center();
        assert_eq!(instance_at(&many, space, at), Some(777));
    }

    #[test]
    fn words_say_what_the_cells_show() {
        let four = heat(&[Some(0.1), Some(0.92), None, Some(0.18)]);
        assert_eq!(label(&four), "1 dead, CPU #2: 92 %");
        assert_eq!(
            summary(&four),
            "the fullest of 4 now is number 2 at 92 %, 40 % on average, 1 dead"
        );
        assert_eq!(summary(&heat(&[None, None])), "all 2 dead");
        assert_eq!(label(&heat(&[Some(0.0)])), "");
    }
}
