//! The `plimsoll` command as this package's tests run it.

fn main() -> std::process::ExitCode {
    plimsoll::main(std::env::args_os())
}
