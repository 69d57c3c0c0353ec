//! Replaying capture files: what `observe` and `scan` share. Opens each input, drives its frames, and says what was
//! wrong with it on standard error.

use std::io::{self, Write};
use std::path::Path;

use indicatif::ProgressBar;

use super::exit::Exit;
use crate::capture::{CaptureError, FileReader, Frames};
use crate::decode::LinkType;
use crate::model::{Counter, Counters};

/// How many batches of frames between two updates of a progress bar.
const PROGRESS_EVERY: u32 = 64;

/// Hands every frame of one file (`-` is standard input) to `visit`, in batches, until it says stop.
pub(super) fn replay(path: &Path, progress: Option<&ProgressBar>, mut visit: impl FnMut(Frames<'_>) -> bool) -> Exit {
    let opened = if path == Path::new("-") { FileReader::from_reader(io::stdin()) } else { FileReader::open(path) };
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => return failed(path, &error),
    };
    let before = progress.map_or(0, ProgressBar::position);
    let mut until_progress = PROGRESS_EVERY;
    let exit = loop {
        match reader.next_frames() {
            Ok(frames) if frames.is_empty() => break Exit::Done,
            Ok(frames) => {
                if !visit(frames) {
                    break Exit::Done;
                }
            }
            Err(error) => break failed(path, &error),
        }
        until_progress -= 1;
        if until_progress == 0 {
            until_progress = PROGRESS_EVERY;
            if let Some(bar) = progress {
                bar.set_position(before + reader.bytes_read());
            }
        }
    };
    if let Some(bar) = progress {
        bar.set_position(before + reader.bytes_read());
    }
    let damage = reader.damage();
    for message in &damage.messages {
        say(path, message);
    }
    if damage.messages_suppressed > 0 {
        say(path, &format!("{} more damaged places", damage.messages_suppressed));
    }
    exit.or(if damage.is_clean() { Exit::Done } else { Exit::Damaged })
}

fn failed(path: &Path, error: &CaptureError) -> Exit {
    say(path, &error.to_string());
    match error {
        CaptureError::Open(_) | CaptureError::Read { .. } | CaptureError::Directory => Exit::Io,
        _ => Exit::Damaged,
    }
}

/// Says which frames of a file could not be examined because of their link type: they count as rejected input.
pub(super) fn report_link_types(path: &Path, unread: &[(u32, u64)]) -> Exit {
    for (number, frames) in unread {
        say(path, &format!("link type {} is not read: {frames} frames were skipped", LinkType::name(*number)));
    }
    if unread.is_empty() { Exit::Done } else { Exit::Damaged }
}

/// Counts frames by link type, for those that no decoder reads.
#[derive(Default)]
pub(super) struct UnreadLinkTypes {
    frames: Vec<(u32, u64)>,
    /// The last link type that is read, so that its number is looked up once and not for every frame.
    read: Option<u32>,
}

impl UnreadLinkTypes {
    /// Notes a frame's link type if it is not read.
    #[inline]
    pub(super) fn note(&mut self, linktype: u32) {
        if self.read == Some(linktype) {
            return;
        }
        if LinkType::from_linktype(linktype).is_some() {
            self.read = Some(linktype);
        } else {
            self.count(linktype);
        }
    }

    #[cold]
    fn count(&mut self, linktype: u32) {
        if let Some((_, frames)) = self.frames.iter_mut().find(|(number, _)| *number == linktype) {
            *frames += 1;
        } else if self.frames.len() < 64 {
            // A file may name any number of link types; a few dozen tell what is wrong with it.
            self.frames.push((linktype, 1));
        }
    }

    /// What was noted: link type and frames.
    pub(super) fn counts(&self) -> &[(u32, u64)] {
        &self.frames
    }
}

/// One line about an input on standard error.
pub(super) fn say(path: &Path, message: &str) {
    // If standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "stakeout: {}: {message}", path.display());
}

/// Frames that were skipped, by reason, for a summary.
pub(super) fn skipped(counters: &Counters) -> Vec<(&'static str, u64)> {
    counters
        .iter()
        .filter(|(_, n)| *n > 0)
        .filter_map(|(c, n)| {
            let info = c.info();
            let (_, reason) = info.label?;
            (info.metric == Counter::SkipNotIp.info().metric).then_some((reason, n))
        })
        .collect()
}
