//! Turns, medians, and the table, in the form of the bench `compare`.

/// The spread from which a figure is marked: the middle half of its samples ranges over a third of the median.
const UNSTEADY: f64 = 1.0 / 3.0;

/// The samples of one contestant.
pub(crate) struct Line {
    name: String,
    /// Sorted.
    samples: Vec<f64>,
}

impl Line {
    pub(crate) fn new(name: impl Into<String>, mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let name = name.into();
        Line { name, samples }
    }

    fn median(&self) -> f64 {
        quantile(&self.samples, 50)
    }

    fn is_unsteady(&self) -> bool {
        let range = quantile(&self.samples, 75) - quantile(&self.samples, 25);
        range > UNSTEADY * self.median()
    }
}

/// Returns the value below which `percent` of the sorted samples lie.
pub(crate) fn quantile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// Lets each contestant run once in each round. Each round begins with another, so that a disturbance of the machine
/// hits all alike. A first round is not counted.
pub(crate) fn interleave<C>(
    contestants: &[(&str, C)],
    rounds: usize,
    mut run: impl FnMut(&C) -> f64,
) -> Vec<Line> {
    let count = contestants.len();
    let mut samples = vec![Vec::new(); count];
    for round in 0..=rounds {
        for turn in 0..count {
            let index = (round + turn) % count;
            let sample = run(&contestants[index].1);
            if round > 0 {
                samples[index].push(sample);
            }
        }
    }
    let names = contestants.iter().map(|(name, _)| *name);
    (names.zip(samples))
        .map(|(name, samples)| Line::new(name, samples))
        .collect()
}

pub(crate) fn print(title: &str, lines: &[Line]) {
    println!("  {title}");
    for line in lines {
        let mark = if line.is_unsteady() { "~" } else { "" };
        let figure = format!("{mark}{:.0}", line.median());
        println!("  {:<52} {figure:>17}", line.name);
    }
}

/// Prints how many times one figure is the other.
pub(crate) fn print_ratio(ours: &Line, other: &Line) {
    let ratio = ours.median() / other.median();
    let name = format!("  {} : {}", ours.name, other.name);
    println!("  {name:<52} {:>17}", format!("x{ratio:.2}"));
}
