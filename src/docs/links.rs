//! What links promise and what they do not, an example, and what another engine must offer.
