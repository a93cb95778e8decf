//! The `plimsoll` command.

fn main() -> std::process::ExitCode {
    plimsoll::main(std::env::args_os())
}
