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

/// What a contestant measured in each round.
pub(crate) struct Samples<S> {
    name: String,
    rounds: Vec<S>,
}

impl<S> Samples<S> {
    /// Takes one figure of each round.
    pub(crate) fn line(&self, figure: impl FnMut(&S) -> f64) -> Line {
        Line::new(&*self.name, self.rounds.iter().map(figure).collect())
    }
}

/// Lets each contestant run once in each round. Each round begins with another, so that a disturbance of the machine
/// hits all alike. A first round is not counted.
pub(crate) fn interleave<C, S>(
    contestants: &[(&str, C)],
    rounds: usize,
    mut run: impl FnMut(&C) -> S,
) -> Vec<Samples<S>> {
    let count = contestants.len();
    let samples = contestants.iter().map(|(name, _)| Samples {
        name: (*name).to_owned(),
        rounds: Vec::new(),
    });
    let mut samples: Vec<_> = samples.collect();
    for round in 0..=rounds {
        for turn in 0..count {
            let index = (round + turn) % count;
            let sample = run(&contestants[index].1);
            if round > 0 {
                samples[index].rounds.push(sample);
            }
        }
    }
    samples
}

pub(crate) fn print(title: &str, lines: &[Line]) {
    println!("  {title}");
    for line in lines {
        let mark = if line.is_unsteady() { "~" } else { "" };
        let figure = match line.median() {
            small if small < 100.0 => format!("{mark}{small:.1}"),
            large => format!("{mark}{large:.0}"),
        };
        println!("  {:<52} {figure:>17}", line.name);
    }
}

/// Prints how many times one figure is the other.
pub(crate) fn print_ratio(ours: &Line, other: &Line) {
    let ratio = ours.median() / other.median();
    let name = format!("  {} : {}", ours.name, other.name);
    println!("  {name:<52} {:>17}", format!("x{ratio:.2}"));
}
