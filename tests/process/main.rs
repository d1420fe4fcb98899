//! Tests that need a process of their own: they run this binary again with one test.

#[path = "../support/mod.rs"]
mod support;

mod audit_kill;
mod audit_place;
#[cfg(feature = "tracing")]
mod traced;

/// Returns true in a process that runs nothing but this test. Anywhere else it starts such a process, which must
/// succeed.
#[cfg(feature = "tracing")]
fn is_alone(test: &str) -> bool {
    use std::env;
    use std::process::Command;

    const ALONE: &str = "OXIDE_BUS_ALONE";
    if env::var_os(ALONE).is_some() {
        return true;
    }
    let output = Command::new(env::current_exe().expect("this binary"))
        .args(["--exact", test])
        .env(ALONE, "")
        .output()
        .expect("it can be started");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(
        printed.contains("1 passed"),
        "there is no test {test}: {printed}"
    );
    false
}
