#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxide_bus_fuzz::audit_verify(data));
