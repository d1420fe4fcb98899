//! Whether the lines of a log are those of its hash chain.

#[cfg(feature = "hash-chain")]
use super::super::chain::ChainHead;
use super::super::chain::{Chain, Hash};
use super::super::line::ParsedEvent;
use super::{Check, Finding};

/// The check of a log's chain, and of a head that was kept elsewhere.
#[derive(Default)]
pub(super) struct ChainCheck {
    /// `None` in a run without a chain, and until the first head of files that begin in the midst of a run.
    chain: Option<Chain>,
    /// A head that was kept elsewhere, until it is found.
    #[cfg(feature = "hash-chain")]
    kept: Option<ChainHead>,
}

impl ChainCheck {
    #[cfg(feature = "hash-chain")]
    pub(super) fn with(kept: Option<ChainHead>) -> Self {
        ChainCheck { chain: None, kept }
    }

    pub(super) fn add(&mut self, line: &[u8]) {
        if let Some(chain) = &mut self.chain {
            chain.add(line);
        }
    }

    /// Continues after this head. Returns whether the head fits the lines before it, or `None` if that is not known.
    fn continue_after(&mut self, hash: Hash) -> Option<bool> {
        let expected = self.chain.take().map(Chain::head);
        self.chain = Chain::after(Some(hash));
        expected.map(|expected| expected == hash)
    }
}

impl Check {
    /// Checks the hash of an event, if it has one.
    pub(super) fn hash(&mut self, record: u64, event: &ParsedEvent) {
        if event.kind == "opened" {
            self.chain.chain = Chain::after(event.hash);
            return;
        }
        let Some(hash) = event.hash else { return };
        match self.chain.continue_after(hash) {
            Some(false) => {
                self.add(Finding::Chain);
                return;
            }
            Some(true) => self.report.heads += 1,
            None => {}
        }
        #[cfg(feature = "hash-chain")]
        (self.chain.kept).take_if(|kept| *kept == ChainHead { record, hash });
        #[cfg(not(feature = "hash-chain"))]
        let _ = record; // it identifies a head that was kept
    }

    /// A head that was kept and is not there is a flaw.
    #[cfg(feature = "hash-chain")]
    pub(super) fn end_of_chain(&mut self) {
        if let Some(kept) = self.chain.kept {
            let record = kept.record();
            self.add(Finding::Head { record });
        }
    }
}
