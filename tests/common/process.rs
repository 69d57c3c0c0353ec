//! Commands that must work, and processes that end with the test.

use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs a command to its end; tells why it failed.
pub(crate) fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Err(format!("{command:?}: {}\n{out}{err}", output.status))
    }
}

/// The same for a program with its arguments in one string, parted by spaces.
pub(crate) fn run_line(line: &str) -> Result<Output, String> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    run(Command::new(program).args(words))
}

/// A process that is killed when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Process {
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Process(child),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        run_line(&format!("kill -{name} {}", self.0.id())).unwrap();
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Waits for its end, at most so long.
    pub(crate) fn wait(&mut self, most: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + most;
        while Instant::now() < until {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
