//! Draws the plots of a report, as SVG. A logarithmic axis has logarithms as its values, and figures that undo that.

use std::error::Error;
use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;

use super::result::Spread;

/// The size of a plot. The page makes it as wide as there is room.
const SIZE: (u32, u32) = (440, 290);

const FONT: (&str, i32) = ("sans-serif", 17);

/// The colours of the series. The page replaces them by ones that suit its background.
pub(super) const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 94, 162),
    RGBColor(200, 80, 0),
    RGBColor(0, 128, 96),
    RGBColor(170, 50, 140),
    RGBColor(130, 100, 0),
    RGBColor(90, 90, 200),
    RGBColor(190, 30, 60),
    RGBColor(80, 110, 120),
];

/// An axis: its name, its ends, its marks, and the texts of the marks.
pub(super) struct Axis<'a> {
    pub(super) name: &'a str,
    pub(super) ends: (f64, f64),
    pub(super) marks: Vec<f64>,
    pub(super) text: &'a dyn Fn(f64) -> String,
}

type PlotChart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<MarkedRange, MarkedRange>>;

type Drawn = Result<(), Box<dyn Error>>;

impl<'a> Axis<'a> {
    /// Returns an axis from 0 to at least `most`, with marks at round figures.
    pub(super) fn linear(name: &'a str, most: f64, text: &'a dyn Fn(f64) -> String) -> Self {
        let most = if most > 0.0 { most } else { 1.0 };
        let power = 10_f64.powf((most / 5.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| most / step <= 5.0);
        let step = step.unwrap_or(most);
        let marks: Vec<_> = (0..7).map(|number| f64::from(number) * step).collect();
        let marks: Vec<_> = marks.into_iter().filter(|&mark| mark <= most).collect();
        Axis {
            name,
            ends: (0.0, most * 1.04),
            marks,
            text,
        }
    }

    /// Returns an axis of logarithms from one power of ten to another.
    pub(super) fn powers(
        name: &'a str,
        least: f64,
        most: f64,
        text: &'a dyn Fn(f64) -> String,
    ) -> Self {
        let (least, most) = (
            least.max(1.0).log10().floor(),
            most.max(10.0).log10().ceil(),
        );
        let most = most.max(least + 1.0);
        let marks = (0..20).map(|power| least + f64::from(power));
        Axis {
            name,
            ends: (least, most),
            marks: marks.take_while(|&mark| mark <= most).collect(),
            text,
        }
    }

    fn range(&self) -> MarkedRange {
        MarkedRange {
            ends: self.ends,
            marks: self.marks.clone(),
        }
    }
}

/// The range of an axis, whose marks are given and not found.
struct MarkedRange {
    ends: (f64, f64),
    marks: Vec<f64>,
}

impl Ranged for MarkedRange {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is a pixel within the plot"
    )]
    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let part = (value - self.ends.0) / (self.ends.1 - self.ends.0);
        from + (part * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.ends.0..self.ends.1
    }
}

/// Draws a bar for each series at each place, with a line from the least to the most.
pub(super) fn bars(
    (place, places): (&str, &[String]),
    series: &[Vec<Option<Spread>>],
    y: &Axis,
) -> String {
    let middles: Vec<_> = (0..places.len()).map(|at| float(at) + 0.5).collect();
    let at = |x: f64| middles.iter().position(|&middle| (middle - x).abs() < 0.1);
    let x = Axis {
        name: place,
        ends: (0.0, float(places.len())),
        marks: middles.clone(),
        text: &|x| at(x).map_or(String::new(), |at| places[at].clone()),
    };
    let width = (0.8 / float(series.len())).min(0.3);
    let first = 0.5 - width * float(series.len()) / 2.0;
    draw(&x, y, |chart| {
        for (number, (bars, colour)) in series.iter().zip(COLOURS).enumerate() {
            for (at, bar) in bars.iter().enumerate() {
                let Some(bar) = bar else { continue };
                let left = float(at) + first + float(number) * width;
                let area = [(left, 0.0), (left + width * 0.92, bar.middle)];
                chart.draw_series([Rectangle::new(area, colour.filled())])?;
                let middle = left + width * 0.46;
                let line = vec![(middle, bar.least), (middle, bar.most)];
                chart.draw_series([PathElement::new(line, BLACK.stroke_width(2))])?;
            }
        }
        Ok(())
    })
}

/// Draws a curve for each series.
pub(super) fn curves(series: &[Vec<(f64, f64)>], x: &Axis, y: &Axis) -> String {
    draw(x, y, |chart| {
        for (curve, colour) in series.iter().zip(COLOURS) {
            let curve = LineSeries::new(curve.iter().copied(), colour.stroke_width(2));
            chart.draw_series(curve)?;
        }
        Ok(())
    })
}

fn draw(x: &Axis, y: &Axis, draw_series: impl FnOnce(&mut PlotChart) -> Drawn) -> String {
    let mut svg = String::new();
    drawn(&mut svg, x, y, draw_series).expect("memory can be written");
    svg
}

fn drawn(
    svg: &mut String,
    x: &Axis,
    y: &Axis,
    draw_series: impl FnOnce(&mut PlotChart) -> Drawn,
) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .margin_right(26)
        .x_label_area_size(50)
        .y_label_area_size(84)
        .build_cartesian_2d(x.range(), y.range())?;
    chart
        .configure_mesh()
        .bold_line_style(RGBColor(128, 128, 128).mix(0.35))
        .light_line_style(TRANSPARENT)
        .axis_style(BLACK)
        .label_style(FONT)
        .x_desc(x.name)
        .y_desc(y.name)
        .x_label_formatter(&|value| (x.text)(*value))
        .y_label_formatter(&|value| (y.text)(*value))
        .draw()?;
    draw_series(&mut chart)?;
    drop(chart);
    area.present()?;
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a plot has far fewer places and series than 53 bits can count"
)]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_axis_has_two_to_six_marks_at_round_figures() {
        let marks = |most| Axis::linear("", most, &|_| String::new()).marks;
        assert_eq!(marks(10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(marks(3.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(marks(1_234_567.0), [0.0, 500_000.0, 1_000_000.0]);
        assert_eq!(marks(0.0).len(), 6, "an empty plot has an axis too");
        for tenths in 1..100_000 {
            let most = f64::from(tenths) / 10.0;
            let marks = marks(most);
            assert!((3..=6).contains(&marks.len()), "{most}: {marks:?}");
        }
    }

    #[test]
    fn a_logarithmic_axis_goes_from_one_power_of_ten_to_another() {
        let ends = |least, most| {
            let axis = Axis::powers("", least, most, &|_| String::new());
            (axis.ends, axis.marks)
        };
        assert_eq!(
            ends(123.0, 45_678.0),
            ((2.0, 5.0), vec![2.0, 3.0, 4.0, 5.0])
        );
        assert_eq!(ends(1_000.0, 1_000.0), ((3.0, 4.0), vec![3.0, 4.0]));
        assert_eq!(ends(0.0, 0.0), ((0.0, 1.0), vec![0.0, 1.0]));
    }
}
