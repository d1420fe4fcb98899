//! The figures of a report: which plots there are, and of what.

use super::figures::time;
use super::plots::{self, Axis, COLOURS};
use super::point::{BenchPoint, name_of, swept};
use super::result::{PointResult, RoundFigures, Spread};
use super::timeline::TimelineSample;

/// A plot with its title, a note on how to read it, and the names of its series.
pub(super) struct Figure {
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    pub(super) names: Vec<String>,
    /// `None` if there is nothing to draw; the note says why.
    pub(super) plot: Option<String>,
}

/// The most points of a curve over time. Queues fill and drain far too fast to see each sample.
const PARTS: usize = 50;

/// A curve, and the name of its series.
type NamedCurve = (String, Vec<(f64, f64)>);

/// Returns all figures. If there are more series than colours, there are several figures of a kind.
pub(super) fn figures(results: &[PointResult]) -> Vec<Figure> {
    let mut figures = over_the_sweep(results);
    figures.extend(percentiles(results));
    figures.extend(over_time(
        results,
        ["Losses over time", "envelopes lost so far"],
        |sample| float(sample.lost),
        &short,
    ));
    figures.extend(over_time(
        results,
        ["Queue fill over time", "the fullest queue"],
        |sample| sample.fill * 100.0,
        &|percent| format!("{} %", decimal(percent)),
    ));
    figures
}

/// Returns the figure of the scenario's subject, the rate or the latency, against the swept sizes.
fn over_the_sweep(results: &[PointResult]) -> Vec<Figure> {
    let points: Vec<_> = results.iter().map(|result| &result.point).collect();
    let swept = swept(&points);
    let values = |at: usize| {
        let mut values = Vec::new();
        for point in &points {
            let value = point.coordinates()[at].1.clone();
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    };
    // The contestants, which are last, are always series.
    let along = swept.iter().copied().filter(|&at| at < 5);
    let along = along.max_by_key(|&at| (values(at).len(), 5 - at));
    let others: Vec<_> = (swept.iter().copied())
        .filter(|&at| Some(at) != along)
        .collect();
    let place =
        |point: &BenchPoint| along.map_or(String::new(), |at| point.coordinates()[at].1.clone());
    let places = along.map_or_else(|| vec![String::new()], values);
    let name = along.map_or("", |at| points[0].coordinates()[at].0);

    let is_paced = points
        .first()
        .is_some_and(|point| point.scenario.is_paced());
    let mut series: Vec<(String, Vec<Option<Spread>>)> = Vec::new();
    for result in results {
        let name = name_of(&result.point, &others);
        let number = series.iter().position(|(known, _)| *known == name);
        let number = number.unwrap_or_else(|| {
            series.push((name, vec![None; places.len()]));
            series.len() - 1
        });
        let at = places.iter().position(|it| *it == place(&result.point));
        series[number].1[at.expect("it was collected")] = Some(result.spread());
    }
    let (title, axis, text): (_, _, &dyn Fn(f64) -> String) = if is_paced {
        ("Median latency", "", &nanoseconds)
    } else {
        ("Throughput", "a second", &short)
    };
    let note = "The bar is the round in the middle; the line is from the least round to the most.";
    in_parts(&series, |names, series| {
        let most = series.iter().flatten().flatten().map(|it| it.most);
        let y = Axis::linear(axis, most.fold(0.0, f64::max), text);
        let plot = Some(plots::bars((name, &places), &series, &y));
        Figure {
            title,
            note,
            names,
            plot,
        }
    })
}

/// Returns the figure of the latencies by percentile.
fn percentiles(results: &[PointResult]) -> Vec<Figure> {
    let curves = named(results, |round| {
        let tail = round.shape.tail.iter();
        let log =
            |&(one_in, latency): &(f64, u64)| (one_in.log10(), float(latency).max(1.0).log10());
        tail.map(log).collect()
    });
    in_parts(&curves, |names, curves| {
        let ends = |of: fn(&(f64, f64)) -> f64| {
            let all = || curves.iter().flatten().map(of);
            let least = all().fold(f64::MAX, f64::min);
            (10_f64.powf(least), 10_f64.powf(all().fold(0.0, f64::max)))
        };
        let (rarest, (fastest, slowest)) = (ends(|it| it.0).1, ends(|it| it.1));
        let x = Axis::powers("% of the envelopes", 1.0, rarest, &percentile);
        let y = Axis::powers("latency", fastest, slowest, &|power| {
            nanoseconds(10_f64.powf(power))
        });
        Figure {
            title: "Latency by percentile",
            note: "This share of the envelopes took no longer. Both axes are logarithmic.",
            names,
            plot: Some(plots::curves(&curves, &x, &y)),
        }
    })
}

/// Returns the figure of something that was sampled in the round in the middle.
fn over_time(
    results: &[PointResult],
    [title, axis]: [&'static str; 2],
    value: fn(&TimelineSample) -> f64,
    text: &dyn Fn(f64) -> String,
) -> Vec<Figure> {
    let curves = named(results, |round| {
        let samples = round.timeline.as_ref().map(|timeline| &timeline.samples);
        // Of a channel there is the last sample only.
        let samples = samples.filter(|samples| samples.len() > 1);
        let samples = samples.map_or(&[][..], |samples| samples);
        let parts = samples.chunks(samples.len().div_ceil(PARTS).max(1));
        let means = parts.map(|part| {
            let mean = |of: &dyn Fn(&TimelineSample) -> f64| {
                part.iter().map(of).sum::<f64>() / float(part.len() as u64)
            };
            (mean(&|sample| sample.at), mean(&value))
        });
        means.collect()
    });
    in_parts(&curves, |names, curves| {
        let most = |of: fn(&(f64, f64)) -> f64| curves.iter().flatten().map(of).fold(0.0, f64::max);
        let (end, top) = (most(|it| it.0), most(|it| it.1));
        let x = Axis::linear("seconds", end, &decimal);
        let y = Axis::linear(axis, top, text);
        Figure {
            title,
            note: if top > 0.0 {
                "In the round in the middle; each point is the mean of up to a fiftieth of its samples."
            } else {
                "There was none in any sample of the round in the middle."
            },
            names,
            plot: (top > 0.0).then(|| plots::curves(&curves, &x, &y)),
        }
    })
}

/// Returns a curve of each result that has one.
fn named(
    results: &[PointResult],
    curve: impl Fn(&RoundFigures) -> Vec<(f64, f64)>,
) -> Vec<NamedCurve> {
    let points: Vec<_> = results.iter().map(|result| &result.point).collect();
    let swept = swept(&points);
    let curves = results.iter().map(|result| {
        let name = name_of(&result.point, &swept);
        (name, curve(result.median()))
    });
    curves.filter(|(_, curve)| !curve.is_empty()).collect()
}

/// Makes figures of as many series as there are colours.
fn in_parts<T: Clone>(
    series: &[(String, T)],
    figure: impl Fn(Vec<String>, Vec<T>) -> Figure,
) -> Vec<Figure> {
    let parts = series.len().div_ceil(COLOURS.len()).max(1);
    let parts = series.chunks(series.len().div_ceil(parts).max(1));
    let parts = parts.map(|part| part.iter().cloned().unzip());
    parts.map(|(names, series)| figure(names, series)).collect()
}

/// Returns the percentile above which one in this power of ten is.
fn percentile(power: f64) -> String {
    let percent = 100.0 - 100.0 * 10_f64.powf(-power);
    decimal(percent)
}

/// Returns a number with up to six digits after the point, and none that say nothing.
fn decimal(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns a count in thousands, or millions, or more.
fn short(count: f64) -> String {
    let units = [(1e9, " G"), (1e6, " M"), (1e3, " k")];
    let unit = units.into_iter().find(|(size, _)| count >= *size);
    let (size, name) = unit.unwrap_or((1.0, ""));
    format!("{}{name}", decimal(count / size))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is not negative"
)]
fn nanoseconds(time_ns: f64) -> String {
    time(Some(time_ns.round() as u64))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a plot is not exact to the last of 53 bits anyway"
)]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_no_more_than_they_must() {
        assert_eq!(
            [0.0, 1.0, 2.0, 3.0].map(percentile),
            ["0", "90", "99", "99.9"]
        );
        assert_eq!([0.0, 0.5, 950.0].map(short), ["0", "0.5", "950"]);
        assert_eq!([2e4, 1.5e6, 3e9].map(short), ["20 k", "1.5 M", "3 G"]);
    }
}
