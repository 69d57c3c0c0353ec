//! A small assembler for classic BPF: labels, conditional jumps to anywhere ahead, and the check that a program is sound.
//!
//! A conditional jump holds its two distances in eight bits each. Where a target is further away, the assembler puts an
//! unconditional jump, which has 32 bits, right behind and jumps to that. Source:
//! `Documentation/networking/filter.rst`, and the first description (McCanne and Jacobson, 1993).

use libc::sock_filter;

/// The longest program that the kernel takes (`BPF_MAXINSNS`).
pub const MAX_INSTRUCTIONS: usize = 4096;

/// A place in the program, to be jumped to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(usize);

/// What a conditional jump compares the accumulator with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Test {
    /// It is this number.
    Equal(u32),
    /// It is at least this number.
    AtLeast(u32),
    /// It has one of these bits.
    AnyOf(u32),
    /// It is more than the index register.
    MoreThanX,
}

impl Test {
    /// Operation code and operand.
    const fn encode(self) -> (u16, u32) {
        match self {
            Test::Equal(k) => (0x15, k),
            Test::MoreThanX => (0x2d, 0),
            Test::AtLeast(k) => (0x35, k),
            Test::AnyOf(k) => (0x45, k),
        }
    }
}

/// An instruction without a jump. `A` is the accumulator, `X` the index register, `M` the sixteen words of memory. A load
/// beyond the packet rejects it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    /// A = the octet at X + offset.
    Load8(u32),
    /// A = the 16 bits at X + offset.
    Load16(u32),
    /// A = the 32 bits at X + offset.
    Load32(u32),
    /// A = the length of the packet.
    LoadLength,
    /// A = M\[n\].
    Recall(u32),
    /// X = M\[n\].
    RecallX(u32),
    /// M\[n\] = A.
    Store(u32),
    /// M\[n\] = X.
    StoreX(u32),
    /// X = number.
    SetX(u32),
    /// A = A + number.
    Add(u32),
    /// A = A + X.
    AddX,
    /// A = A - X.
    SubX,
    /// A = A & number.
    And(u32),
    /// A = A << number.
    Left(u32),
    /// A = A >> number.
    Right(u32),
    /// X = A.
    ToX,
    /// A = X.
    FromX,
    /// Keep so many octets of the packet; the end.
    Return(u32),
}

impl Op {
    const fn encode(self) -> sock_filter {
        let (code, k) = match self {
            Op::Load8(k) => (0x50, k),
            Op::Load16(k) => (0x48, k),
            Op::Load32(k) => (0x40, k),
            Op::LoadLength => (0x80, 0),
            Op::Recall(k) => (0x60, k),
            Op::RecallX(k) => (0x61, k),
            Op::Store(k) => (0x02, k),
            Op::StoreX(k) => (0x03, k),
            Op::SetX(k) => (0x01, k),
            Op::Add(k) => (0x04, k),
            Op::AddX => (0x0c, 0),
            Op::SubX => (0x1c, 0),
            Op::And(k) => (0x54, k),
            Op::Left(k) => (0x64, k),
            Op::Right(k) => (0x74, k),
            Op::ToX => (0x07, 0),
            Op::FromX => (0x87, 0),
            Op::Return(k) => (0x06, k),
        };
        sock_filter { code, jt: 0, jf: 0, k }
    }
}

enum Line {
    Place(Label),
    Op(Op),
    Go(Label),
    Branch { test: Test, yes: Label, no: Label },
}

/// A program in the making.
#[derive(Default)]
pub(super) struct Assembler {
    lines: Vec<Line>,
    labels: usize,
}

/// Why a program cannot be assembled: a mistake in the generator, or more ports than fit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AsmError {
    /// Longer than [`MAX_INSTRUCTIONS`].
    #[error("the filter has {0} instructions, and the kernel takes {MAX_INSTRUCTIONS}")]
    TooLong(usize),
    /// A jump to a label that was placed before it, or never.
    #[error("a jump leads nowhere")]
    Jump,
}

impl Assembler {
    /// A label that is yet to be placed.
    pub(super) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// Places a label here.
    pub(super) fn place(&mut self, label: Label) {
        self.lines.push(Line::Place(label));
    }

    /// Adds instructions.
    pub(super) fn ops(&mut self, ops: &[Op]) {
        self.lines.extend(ops.iter().map(|op| Line::Op(*op)));
    }

    /// Goes on at a label.
    pub(super) fn go(&mut self, to: Label) {
        self.lines.push(Line::Go(to));
    }

    /// Goes on at `yes` if the test holds, and at `no` otherwise.
    pub(super) fn branch(&mut self, test: Test, yes: Label, no: Label) {
        self.lines.push(Line::Branch { test, yes, no });
    }

    /// Goes on at `yes` if the test holds.
    pub(super) fn when(&mut self, test: Test, yes: Label) {
        let next = self.label();
        self.branch(test, yes, next);
        self.place(next);
    }

    /// Goes on at `no` unless the test holds.
    pub(super) fn unless(&mut self, test: Test, no: Label) {
        let next = self.label();
        self.branch(test, next, no);
        self.place(next);
    }

    /// Goes on at `yes` if the accumulator is one of these numbers.
    pub(super) fn when_one_of(&mut self, numbers: &[u32], yes: Label) {
        for number in numbers {
            self.when(Test::Equal(*number), yes);
        }
    }

    /// The finished program.
    ///
    /// # Errors
    /// See [`AsmError`].
    pub(super) fn assemble(&self) -> Result<Vec<sock_filter>, AsmError> {
        // Lines grow from round to round and never shrink, so this ends; in practice after a few rounds.
        let mut sizes: Vec<usize> = self.lines.iter().map(|l| usize::from(!matches!(l, Line::Place(_)))).collect();
        loop {
            let (starts, places) = self.layout(&sizes);
            let mut grown = false;
            for (index, line) in self.lines.iter().enumerate() {
                let Line::Branch { yes, no, .. } = line else { continue };
                let mut size = 1;
                for label in [yes, no] {
                    // As if both jumps were long, which is at most two too far.
                    let distance = places[label.0].checked_sub(starts[index] + 1).ok_or(AsmError::Jump)?;
                    size += usize::from(distance > usize::from(u8::MAX));
                }
                if size > sizes[index] {
                    sizes[index] = size;
                    grown = true;
                }
            }
            if !grown {
                return self.emit(&sizes, &starts, &places);
            }
        }
    }

    /// Where each line starts, and each label stands; a label that was never placed stands before everything.
    fn layout(&self, sizes: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let (mut starts, mut places) = (Vec::with_capacity(sizes.len()), vec![0; self.labels]);
        let mut at = 0;
        for (line, size) in self.lines.iter().zip(sizes) {
            starts.push(at);
            if let Line::Place(label) = line {
                places[label.0] = at;
            }
            at += size;
        }
        (starts, places)
    }

    fn emit(&self, sizes: &[usize], starts: &[usize], places: &[usize]) -> Result<Vec<sock_filter>, AsmError> {
        let mut program: Vec<sock_filter> = Vec::new();
        let ahead = |from: usize, to: usize| to.checked_sub(from + 1).ok_or(AsmError::Jump);
        let jump = |from: usize, to: usize| {
            let k = u32::try_from(ahead(from, to)?).map_err(|_| AsmError::Jump)?;
            Ok(sock_filter { code: 0x05, jt: 0, jf: 0, k })
        };
        for ((line, size), start) in self.lines.iter().zip(sizes).zip(starts) {
            match line {
                Line::Place(_) => {}
                Line::Op(op) => program.push(op.encode()),
                Line::Go(to) => program.push(jump(*start, places[to.0])?),
                Line::Branch { test, yes, no } => {
                    let mut long = Vec::new();
                    let mut short = [0; 2];
                    for (slot, label) in short.iter_mut().zip([yes, no]) {
                        let distance = ahead(*start, places[label.0])?;
                        *slot = u8::try_from(distance).unwrap_or_else(|_| {
                            long.push(places[label.0]);
                            long.len() as u8 - 1
                        });
                    }
                    // Room that a former round thought was needed; nothing jumps there.
                    while long.len() + 1 < *size {
                        long.push(places[no.0]);
                    }
                    let (code, k) = test.encode();
                    program.push(sock_filter { code, jt: short[0], jf: short[1], k });
                    for to in long {
                        program.push(jump(program.len(), to)?);
                    }
                }
            }
        }
        if program.len() > MAX_INSTRUCTIONS { Err(AsmError::TooLong(program.len())) } else { Ok(program) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Branches over `filling` instructions to one of two returns.
    fn far(filling: usize) -> Vec<sock_filter> {
        let mut asm = Assembler::default();
        let (yes, no) = (asm.label(), asm.label());
        asm.ops(&[Op::LoadLength]);
        asm.branch(Test::Equal(7), yes, no);
        asm.ops(&vec![Op::Add(1); filling]);
        asm.place(no);
        asm.ops(&[Op::Return(1)]);
        asm.place(yes);
        asm.ops(&[Op::Return(2)]);
        asm.assemble().expect("a program")
    }

    #[test]
    fn near_jumps_are_one_instruction_and_far_ones_take_a_step_between() {
        for (filling, length) in [(0, 4), (254, 258), (255, 261), (256, 262), (4000, 4006)] {
            let program = far(filling);
            assert_eq!(program.len(), length, "{filling}");
            // Where the two jumps come to, through the steps between.
            let land = |distance: u8| {
                let at = 2 + usize::from(distance);
                if program[at].code == 0x05 { at + 1 + program[at].k as usize } else { at }
            };
            assert_eq!((land(program[1].jt), land(program[1].jf)), (length - 1, length - 2), "{filling}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let mut asm = Assembler::default();
        let behind = asm.label();
        asm.place(behind);
        asm.ops(&[Op::LoadLength]);
        asm.go(behind);
        assert_eq!(asm.assemble(), Err(AsmError::Jump));

        let mut asm = Assembler::default();
        asm.ops(&[Op::Return(0); MAX_INSTRUCTIONS + 1]);
        assert_eq!(asm.assemble(), Err(AsmError::TooLong(MAX_INSTRUCTIONS + 1)));

        let mut asm = Assembler::default();
        let never = asm.label();
        asm.ops(&[Op::LoadLength]);
        asm.when(Test::Equal(1), never);
        assert_eq!(asm.assemble(), Err(AsmError::Jump));
    }
}
