#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxide_bus_fuzz::command_line(data));
