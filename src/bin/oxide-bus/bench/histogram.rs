//! Draws latencies in a terminal: in blocks, or in plain characters if the terminal may not show blocks.

use std::iter;

use super::figures::{grouped, time};
use super::result::LatencyShape;

/// How many columns the longest bar has.
const WIDTH: u64 = 40;

/// Returns whether stdout is a terminal whose user wants more than plain characters.
pub(super) fn may_draw() -> bool {
    console::colors_enabled()
}

impl LatencyShape {
    /// Returns a line for each power of two from the first to the last with samples; the bars are in proportion.
    pub(super) fn bars(&self, blocks: bool) -> String {
        let Some((first, _)) = self.ends() else {
            return String::new();
        };
        let most = self.powers.iter().copied().max().unwrap_or(1);
        let lines = (self.powers.iter().enumerate().skip(first)).map(|(power, &count)| {
            let (from, bar) = (time(Some(1 << power)), bar(count, most, blocks));
            format!("{from:>10} {bar} {}\n", grouped(count))
        });
        iter::once("latency from\n".to_owned())
            .chain(lines)
            .collect()
    }

    /// Returns a character for each power of two from the first to the last; the height is in proportion.
    pub(super) fn spark(&self, (first, last): (usize, usize), blocks: bool) -> String {
        let heights: &[char] = if blocks {
            &[' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
        } else {
            &[' ', '.', ':', '-', '=', '+', '*', '%', '#']
        };
        let most = self.powers.iter().copied().max().unwrap_or(1);
        let counts = (first..=last).map(|power| self.powers.get(power).copied().unwrap_or(0));
        let height = |count| usize::try_from(scaled(count, most, 8)).expect("at most 8");
        counts.map(|count| heights[height(count)]).collect()
    }

    /// Returns the first and the last power of two with samples.
    pub(super) fn ends(&self) -> Option<(usize, usize)> {
        let first = self.powers.iter().position(|&count| count > 0)?;
        Some((first, self.powers.len() - 1))
    }
}

/// Returns a bar. A count above zero has at least the smallest bar.
fn bar(count: u64, most: u64, blocks: bool) -> String {
    if !blocks {
        let length = scaled(count, most, WIDTH);
        return "#".repeat(usize::try_from(length).expect("at most its width"));
    }
    let eighths = scaled(count, most, WIDTH * 8);
    let (whole, rest) = (eighths / 8, eighths % 8);
    let rest = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][usize::try_from(rest).expect("below 8")];
    let bar = "█".repeat(usize::try_from(whole).expect("at most its width"));
    format!("{bar}{rest}").trim_end().to_owned()
}

/// Returns a count in proportion to the greatest one; 0 only for 0.
fn scaled(count: u64, most: u64, size: u64) -> u64 {
    let scaled = u128::from(count) * u128::from(size) / u128::from(most);
    u64::try_from(scaled)
        .expect("at most the size")
        .max(u64::from(count > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(powers: &[u64]) -> LatencyShape {
        LatencyShape {
            powers: powers.to_vec(),
            tail: Vec::new(),
        }
    }

    #[test]
    fn bars_are_in_proportion_and_what_is_not_nothing_shows() {
        let shape = shape(&[0, 0, 1, 0, 1_000_000, 250_000]);
        let (whole, quarter) = ("#".repeat(40), "#".repeat(10));
        assert_eq!(
            shape.bars(false),
            format!(
                "latency from\n      4 ns # 1\n      8 ns  0\n     16 ns {whole} 1,000,000\n     32 ns {quarter} 250,000\n"
            )
        );
        let blocks = shape.bars(true);
        assert!(blocks.contains("4 ns ▏ 1\n"), "{blocks}");
        assert!(blocks.contains(&format!("{} 1,000,000", "█".repeat(40))));
        assert_eq!(LatencyShape::default().bars(true), "");
    }

    #[test]
    fn a_spark_has_a_character_for_each_power_of_two() {
        let shape = shape(&[0, 1, 0, 800, 100]);
        assert_eq!(shape.ends(), Some((1, 4)));
        assert_eq!(shape.spark((1, 4), false), ". #.");
        assert_eq!(shape.spark((0, 5), true), " ▁ █▁ ");
    }
}
