//! The table, and the same figures as JSON.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value, json};

use crate::run::cells::{Cell, Outcome, Row};
use crate::run::contestants::Role;
use crate::run::machine::Machine;
use crate::run::measure::Median;

/// The spread from which a figure is marked: the middle half of its samples ranges over a third of the median.
const UNSTEADY: f64 = 1.0 / 3.0;

/// The cells whose first case is the standard for the others.
const RELATIVE: [char; 3] = ['d', 'j', 'u'];

/// Returns the heading of the table.
pub(crate) fn heading(machine: &Machine) -> impl Display {
    fmt::from_fn(move |f| {
        writeln!(
            f,
            "{}, {} cores, {}",
            machine.cpu, machine.cores, machine.kernel
        )?;
        writeln!(f, "{}", machine.date)?;
        for (package, version) in &machine.versions {
            write!(f, "{package} {}  ", version.as_str().unwrap_or_default())?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "medians; columns are publishers to subscribers; ~ marks unsteady figures"
        )
    })
}

/// Returns the table of one cell: a block for each figure, a line for each contestant, a column for each size.
pub(crate) fn table(cell: &Cell, rows: &[Row]) -> impl Display {
    fmt::from_fn(move |f| {
        writeln!(f, "({}) {}", cell.letter, cell.title)?;
        let mut blocks: Vec<Vec<&Row>> = Vec::new();
        for row in rows {
            let same = |block: &&mut Vec<&Row>| {
                block[0].unit == row.unit && block[0].payload == row.payload
            };
            match blocks.iter_mut().find(same) {
                Some(block) => block.push(row),
                None => blocks.push(vec![row]),
            }
        }
        for block in &blocks {
            write_block(f, block)?;
        }
        let absent: BTreeSet<_> = rows.iter().flat_map(|row| &row.absent).collect();
        for (name, why) in absent {
            writeln!(f, "  without {name}: {why}")?;
        }
        Ok(())
    })
}

fn write_block(f: &mut Formatter<'_>, block: &[&Row]) -> fmt::Result {
    let unit = block[0].unit;
    write_line(
        f,
        &format!("{}, {}", unit.name(), block[0].payload.name()),
        block.iter().map(|row| label(row)),
    )?;
    let outcomes = everybody(block);
    for outcome in &outcomes {
        let values = block.iter().map(|row| match row.median(outcome.name) {
            Some(median) if median.spread > UNSTEADY => format!("~{}", figure(median.value)),
            Some(median) => figure(median.value),
            None => "-".to_owned(),
        });
        write_line(f, outcome.name, values)?;
    }
    for outcome in outcomes {
        if outcome.role == Role::Ours {
            write_ratios(f, block, outcome.name)?;
        }
    }
    writeln!(f)
}

/// Returns each contestant of a block once: not every contestant is in every column.
fn everybody<'a>(block: &[&'a Row]) -> Vec<&'a Outcome> {
    let mut outcomes: Vec<&Outcome> = Vec::new();
    for outcome in block.iter().flat_map(|row| &row.results) {
        if outcomes.iter().all(|other| other.name != outcome.name) {
            outcomes.push(outcome);
        }
    }
    outcomes
}

/// Writes the ratios of one of our entrants to those that it is measured against.
fn write_ratios(f: &mut Formatter<'_>, block: &[&Row], ours: &str) -> fmt::Result {
    let mut write = |standard: &str, values: Vec<Option<f64>>| {
        if values.iter().all(Option::is_none) {
            return Ok(());
        }
        let ratios =
            block
                .iter()
                .zip(values)
                .map(|(row, other)| match row.value(ours).zip(other) {
                    Some((value, other)) if other > 0.0 => format!("x{:.2}", value / other),
                    _ => "-".to_owned(),
                });
        write_line(f, &format!("  {ours} : {standard}"), ratios)
    };
    let standards = [
        ("best peer", Role::Peer, ""),
        ("disruptor", Role::Reference, "disruptor"),
        ("enso-channel", Role::Reference, "enso-channel"),
        ("baseline", Role::Baseline, ""),
    ];
    for (name, role, crate_name) in standards {
        let best = block.iter().map(|row| row.best(role, crate_name));
        write(name, best.collect())?;
    }
    if let Some(case) = block[0].case
        && RELATIVE.contains(&block[0].cell)
    {
        write(case, vec![block[0].value(ours); block.len()])?;
    }
    let first = block[0].results[0].name;
    if first != ours && block[0].best(Role::Peer, "").is_none() {
        write(first, block.iter().map(|row| row.value(first)).collect())?;
    }
    Ok(())
}

fn write_line(
    f: &mut Formatter<'_>,
    name: &str,
    figures: impl Iterator<Item = String>,
) -> fmt::Result {
    write!(f, "  {name:<52}")?;
    for figure in figures {
        write!(f, " {figure:>17}")?;
    }
    writeln!(f)
}

/// Returns what distinguishes the columns of a block.
fn label(row: &Row) -> String {
    match row.case {
        Some(case) => case.to_owned(),
        None => format!("{} to {}", row.publishers, row.subscribers),
    }
}

fn figure(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if value < 1.0 => format!("{value:.3}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

impl Row {
    fn median(&self, name: &str) -> Option<Median> {
        let outcome = self.results.iter().find(|outcome| outcome.name == name);
        outcome.map(|outcome| outcome.median)
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.median(name).map(|median| median.value)
    }

    /// Returns the best value among the contestants with this role whose names begin with `name`.
    fn best(&self, role: Role, name: &str) -> Option<f64> {
        let values = (self.results.iter())
            .filter(|outcome| outcome.role == role && outcome.name.starts_with(name))
            .map(|outcome| outcome.median.value);
        if self.unit.more_is_better() {
            values.reduce(f64::max)
        } else {
            values.reduce(f64::min)
        }
    }
}

/// Returns everything as JSON.
pub(crate) fn json(machine: &Machine, cells: &[Value]) -> Value {
    json!({ "machine": machine, "cells": cells })
}

pub(crate) fn row_as_json(row: &Row) -> Value {
    let results = row.results.iter();
    let results = results.map(|outcome| (outcome.name.to_owned(), outcome.median.value.into()));
    let spread = row.results.iter();
    let spread = spread.map(|outcome| (outcome.name.to_owned(), outcome.median.spread.into()));
    let absent = row.absent.iter();
    let absent = absent.map(|(name, why)| ((*name).to_owned(), (*why).into()));
    json!({
        "cell": row.cell,
        "case": row.case,
        "publishers": row.publishers,
        "subscribers": row.subscribers,
        "payload": row.payload.name(),
        "unit": row.unit.name(),
        "results": results.collect::<Map<_, _>>(),
        "spread": spread.collect::<Map<_, _>>(),
        "absent": absent.collect::<Map<_, _>>(),
    })
}
