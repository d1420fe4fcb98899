//! The result for programs: JSON, an object for each point; CSV, a line for each round.

use serde::Serialize;
use serde_json::{Map, Value};

use super::point::BenchPoint;
use super::result::{PointResult, RoundFigures};

/// The JSON object of a point: its sizes, the figures of the round in the middle, and those of all rounds.
#[derive(Serialize)]
struct PointObject<'a> {
    #[serde(flatten)]
    point: &'a BenchPoint,
    #[serde(flatten)]
    median: &'a RoundFigures,
    rounds: &'a [RoundFigures],
}

/// Returns an object for each result, in a line each.
pub(super) fn json(results: &[PointResult]) -> String {
    let lines = results.iter().map(|result| {
        let object = PointObject {
            point: &result.point,
            median: result.median(),
            rounds: &result.rounds,
        };
        serde_json::to_string(&object).expect("numbers and texts can be written") + "\n"
    });
    lines.collect()
}

/// Returns a heading, and a line for each round of each result.
pub(super) fn csv(results: &[PointResult]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut heading = None;
    for result in results {
        for (number, round) in (1..).zip(&result.rounds) {
            let columns = columns(&result.point, number, round);
            let names = || columns.iter().map(|(name, _)| name);
            heading.get_or_insert_with(|| writer.write_record(names()));
            let values = columns.iter().map(|(_, value)| value);
            writer.write_record(values).expect("memory can be written");
        }
    }
    let bytes = writer.into_inner().expect("memory can be written");
    String::from_utf8(bytes).expect("it was written as text")
}

/// Returns the names and values of a round. The keys are those of the JSON object; those within another have its name
/// before.
fn columns(point: &BenchPoint, number: u32, round: &RoundFigures) -> Vec<(String, String)> {
    let object = |value| match value {
        Ok(Value::Object(object)) => object,
        _ => unreachable!("it is a structure of numbers and texts"),
    };
    let mut columns = Vec::new();
    flatten("", object(serde_json::to_value(point)), &mut columns);
    columns.push(("round".to_owned(), number.to_string()));
    flatten("", object(serde_json::to_value(round)), &mut columns);
    columns
}

fn flatten(before: &str, object: Map<String, Value>, columns: &mut Vec<(String, String)>) {
    for (key, value) in object {
        let name = format!("{before}{key}");
        let value = match value {
            Value::Object(inner) => {
                flatten(&format!("{name}_"), inner, columns);
                continue;
            }
            Value::Null => String::new(),
            Value::String(text) => text,
            Value::Array(items) => {
                let texts = items.iter().map(|item| item.as_str().unwrap_or_default());
                texts.collect::<Vec<_>>().join(" ")
            }
            number => number.to_string(),
        };
        columns.push((name, value));
    }
}
