//! `oxide-bus bench`: publishes made-up load on a bus, and counts and times what arrives.

mod compare;
mod contestant;
mod counts;
mod duty;
mod export;
pub(crate) mod figures;
mod gallery;
mod histogram;
mod intake;
mod load;
mod measure;
mod medium;
mod options;
mod page;
mod payload;
mod plots;
mod point;
mod progress;
mod result;
mod scenario;
mod sent;
mod table;
mod timeline;
mod workers;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::compare::OldResult;
use self::measure::Course;
pub(crate) use self::options::BenchOptions;
use self::page::ReportFile;
use self::point::{BenchPoint, name_of, swept};
use self::progress::BenchProgress;
use self::result::{PointResult, RoundFigures};
use super::failure::Failure;
use super::{INTERRUPTED, interrupt, output};

pub(crate) fn run(options: &BenchOptions) -> Result<ExitCode, Failure> {
    let points = BenchPoint::all(options);
    let old = (options.compare.as_deref())
        .map(|path| OldResult::read(path, &points))
        .transpose()?;
    let report = (options.report.as_deref())
        .map(|path| ReportFile::open(path, options.compare.as_deref()))
        .transpose()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    interrupt::on_first(move || interrupt.store(true, Ordering::Relaxed))?;
    let sizes = points.iter().map(|it| it.publishers.max(it.subscribers));
    payload::prepare_tokens(sizes.max().unwrap_or(0));
    let course = Course {
        length: options.length(),
        samples: report.is_some(),
        interrupted,
    };
    let results = measure(points, options.rounds(), &course)?;

    let text = if options.json {
        export::json(&results)
    } else if options.csv {
        export::csv(&results)
    } else {
        table::table(&results)
    };
    if !text.is_empty() {
        output::written(writeln!(io::stdout(), "{}", text.trim_end()))?;
    }
    if let Some(report) = report {
        report.write(&results, options)?;
    }
    if course.interrupted.load(Ordering::Relaxed) {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if let Some(old) = old {
        let (changes, outcome) = old.compare(&results, options.fail_over);
        if options.json || options.csv {
            output::say(&changes);
        } else {
            output::written(write!(io::stdout(), "\n{changes}"))?;
        }
        outcome?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures all points in turns, round by round. An interrupted round, even of the warm-up, counts if its point has no
/// other. So there is always something to report.
fn measure(
    points: Vec<BenchPoint>,
    (warm_up, rounds): (u16, u16),
    course: &Course,
) -> Result<Vec<PointResult>, Failure> {
    let all: Vec<_> = points.iter().collect();
    let swept = swept(&all);
    let runs = usize::from(warm_up + rounds) * points.len();
    let mut results: Vec<_> = (points.into_iter())
        .map(|point| PointResult {
            point,
            rounds: Vec::new(),
        })
        .collect();
    let order = (0..runs).map(|run| (run + 1, run % results.len(), run / results.len()));
    for (run, at, round) in order.collect::<Vec<_>>() {
        if course.interrupted.load(Ordering::Relaxed) && run > 1 {
            break;
        }
        let result = &mut results[at];
        let prefix = if runs == 1 {
            String::new()
        } else {
            format!("{run}/{runs} {} ", name_of(&result.point, &swept))
        };
        let counts = measure::run(
            &result.point,
            course,
            &BenchProgress::new(course.length, prefix),
        )?;
        counts.check()?;
        let is_whole = !course.interrupted.load(Ordering::Relaxed);
        let is_measured = is_whole && round >= warm_up.into();
        if is_measured || !is_whole && result.rounds.is_empty() {
            result.rounds.push(RoundFigures::new(counts));
        }
    }
    results.retain(|result| !result.rounds.is_empty());
    Ok(results)
}
