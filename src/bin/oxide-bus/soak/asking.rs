//! Askers and those that answer: each answer belongs to its question, and each question is answered by all.

use std::time::Duration;

use oxide_bus::{Delivery, PublishError, RecvError, RequestError};

use super::account::{Account, End};
use super::load::Load;
use super::publishers::{Pen, Voice};
use super::subscriber::Subscriber;
use super::topology::Right;
use super::worker::Worker;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn ask(mut worker: Worker, line: usize) {
    let mut pen = Pen::new(&worker.round, line, worker.task, Right::Trusted);
    let servers = worker
        .round
        .seats
        .iter()
        .filter(|seat| seat.plan.answers.is_some())
        .count();
    while worker.goes_on().await {
        let load = pen.load(&mut worker, 0);
        worker.step("asks", pen.number);
        worker.round.begin(line, pen.number + 1);
        let many = worker.round.topology.is_settled() || worker.one_in(3);
        let answers = if many {
            collect(&worker, &mut pen, load, servers).await
        } else {
            match pen.voice() {
                Voice::Task(publisher) => publisher.request_timeout(load, PATIENCE).await,
                Voice::Thread(publisher) => publisher.request_timeout(load, PATIENCE),
                Voice::Root(_) => unreachable!("it is a publisher"),
            }
            .map(|answer| {
                pen.asked(&worker);
                vec![answer]
            })
        };
        match answers {
            Ok(answers) => {
                let expected = if many { servers } else { 1 };
                let (got, number) = (answers.len(), pen.number - 1);
                if got != expected && !worker.round.is_closing() {
                    worker.broken(format!("got {got} answers to {number}, not {expected}"));
                }
                check(&worker, (line, number), &answers);
            }
            Err(RequestError::NotPublished(PublishError::Closed(_)))
                if worker.round.is_closing() =>
            {
                return;
            }
            Err(_) if worker.round.is_closing() => {
                pen.asked(&worker); // it was published
                return;
            }
            Err(error) => worker.broken(format!("got no answer to {}: {error}", pen.number)),
        }
        if worker.one_in(8) {
            worker.doze(0..1_000).await;
        }
    }
}

/// Asks, and takes an answer from each that gives any.
async fn collect(
    worker: &Worker,
    pen: &mut Pen,
    load: Load,
    servers: usize,
) -> Result<Vec<Delivery<Load>>, RequestError<Load>> {
    let mut answers = Vec::new();
    let (receipt, dropped) = match pen.voice() {
        Voice::Task(publisher) => {
            let mut replies = publisher.request_many(load, PATIENCE).await?;
            while answers.len() < servers
                && let Some(answer) = replies.recv().await
            {
                answers.push(answer);
            }
            (replies.receipt(), replies.dropped())
        }
        Voice::Thread(publisher) => {
            let mut replies = publisher.request_many(load, PATIENCE)?;
            answers.extend(replies.by_ref().take(servers));
            (replies.receipt(), replies.dropped())
        }
        Voice::Root(_) => unreachable!("it is a publisher"),
    };
    if dropped > 0 {
        worker.broken(format!("has lost {dropped} answers"));
    }
    pen.published(worker, 1, (receipt.delivered(), receipt.dropped()));
    Ok(answers)
}

fn check(worker: &Worker, question: (usize, u64), answers: &[Delivery<Load>]) {
    let mut from: Vec<_> = answers.iter().map(|answer| answer.message.line).collect();
    from.sort_unstable();
    from.dedup();
    if from.len() != answers.len() {
        worker.broken(format!(
            "got two answers to line and number {question:?} from one"
        ));
    }
    for answer in answers {
        let answers = answer.message.answers;
        if answers != Some(question) {
            worker.broken(format!(
                "asked line and number {question:?}, got an answer to {answers:?}"
            ));
        }
    }
}

/// Receives questions and answers them, up to the end.
pub(super) async fn answer(
    worker: &mut Worker,
    line: usize,
    subscriber: &mut Subscriber,
    account: &mut Account,
) -> End {
    let mut pen = Pen::new(&worker.round, line, worker.task, Right::Trusted);
    loop {
        let question = match subscriber {
            Subscriber::Thread(it) => it.recv(),
            Subscriber::Task(it) => it.recv().await,
        };
        let question = match question {
            Ok(question) => question,
            Err(RecvError::Lagged { missed }) => {
                account.lagged(worker, missed);
                continue;
            }
            Err(RecvError::Disconnected) => return End::Disconnected,
            Err(RecvError::Evicted) => return End::Evicted,
        };
        let mut load = pen.load(worker, 0);
        load.answers = Some((question.message.line, question.message.number));
        worker.step("answers", question.message.number);
        worker.round.begin(line, pen.number + 1);
        let receipt = match pen.voice() {
            Voice::Thread(publisher) => publisher.reply(&question, load),
            Voice::Task(publisher) => publisher.reply(&question, load).await,
            Voice::Root(_) => unreachable!("it is a publisher"),
        };
        match receipt {
            Ok(receipt) => pen.published(worker, 1, (receipt.delivered(), receipt.dropped())),
            Err(_) if worker.round.is_closing() => {}
            Err(error) => worker.broken(format!("could not answer: {error}")),
        }
        account.delivery(worker, &question);
    }
}
