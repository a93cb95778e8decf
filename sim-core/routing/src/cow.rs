//! Large arrays in shared copy-on-write chunks, so that a clone costs one pointer per chunk.
//!
//! *Models:* [`CowVec`], a vector of small values in chunks of 4 096; `Arena`, segments of `u32`-sized
//! cells in chunks of 65 536, no segment across two chunks and a bigger one in a chunk of its own.
//! A write copies the chunk it touches, once, if a clone shares it.
//! *Leaves out:* compaction. Freed segments go to lists by size and are split when used again.

use std::sync::Arc;

pub(crate) const CHUNK: usize = 4_096;

/// A growable array in shared chunks.
#[derive(Clone, Debug)]
pub struct CowVec<T> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
    filler: T,
}

impl<T: Clone> CowVec<T> {
    /// An empty array; cells that come into being hold `filler`.
    pub fn new(filler: T) -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
            filler,
        }
    }

    /// Cells in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no cell is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Grows to at least `len` cells.
    pub fn grow(&mut self, len: usize) {
        while self.chunks.len() * CHUNK < len {
            self.chunks.push(Arc::new(vec![self.filler.clone(); CHUNK]));
        }
        self.len = self.len.max(len);
    }

    /// Adds a cell at the end.
    pub fn push(&mut self, value: T) {
        let at = self.len;
        self.grow(at + 1);
        *self.get_mut(at) = value;
    }

    /// One cell; `None` beyond the end.
    pub fn get(&self, index: usize) -> Option<&T> {
        if index >= self.len {
            return None;
        }
        Some(&self.chunks[index / CHUNK][index % CHUNK])
    }

    /// The cell at `index`, which must exist; copies its chunk if a clone shares it.
    pub fn get_mut(&mut self, index: usize) -> &mut T {
        assert!(
            index < self.len,
            "cell {index} is beyond the {} of this array",
            self.len
        );
        &mut Arc::make_mut(&mut self.chunks[index / CHUNK])[index % CHUNK]
    }

    /// All cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.iter())
            .take(self.len)
    }

    /// All chunks for writing, 4 096 cells each; for passes that write everywhere.
    pub(crate) fn slices_mut(&mut self) -> Vec<&mut [T]> {
        self.chunks
            .iter_mut()
            .map(|chunk| Arc::make_mut(chunk).as_mut_slice())
            .collect()
    }

    /// Bytes held, not counting what the cells point to.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.chunks.len() * (CHUNK * size_of::<T>() + CHUNK_HEADER)
    }
}

/// Pointer to the chunk, its two counters and the vector's three words.
const CHUNK_HEADER: usize = 6 * size_of::<usize>();

const CELLS: usize = 1 << 16;

/// Where a run of cells lies, how many are used, and its owner's group count (see the directory).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Segment {
    pub(crate) chunk: u32,
    pub(crate) offset: u16,
    pub(crate) groups: u16,
    pub(crate) len: u32,
    pub(crate) cap: u32,
}

impl Segment {
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        let start = usize::from(self.offset);
        start..start + self.cap as usize
    }
}

/// Segments of cells in shared chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena<T> {
    chunks: Vec<Arc<Vec<T>>>,
    /// The chunk that new segments are cut from, and the cells of it already cut.
    tail: Option<(u32, usize)>,
    /// Freed segments by the binary logarithm of their size.
    free: Vec<Vec<Segment>>,
    /// Chunks whose one big segment was freed.
    vacant: Vec<u32>,
}

impl<T: Copy + Default> Arena<T> {
    pub(crate) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            tail: None,
            free: vec![Vec::new(); 17],
            vacant: Vec::new(),
        }
    }

    /// A segment of `cap` cells (contents unspecified), with `len` and `groups` 0.
    pub(crate) fn allocate(&mut self, cap: usize) -> Segment {
        assert!(
            cap < u32::MAX as usize,
            "a segment holds fewer than 2^32 cells"
        );
        if cap == 0 {
            return Segment::default();
        }
        if cap > CELLS {
            let chunk = self.new_chunk(cap);
            return Segment {
                chunk,
                cap: cap as u32,
                ..Segment::default()
            };
        }
        if let Some(segment) = self.reuse(cap) {
            return segment;
        }
        self.cut(cap)
    }

    /// Gives a segment back.
    pub(crate) fn release(&mut self, segment: Segment) {
        let cap = segment.cap as usize;
        if cap > CELLS {
            self.chunks[segment.chunk as usize] = Arc::new(Vec::new());
            self.vacant.push(segment.chunk);
        } else if cap > 0 {
            self.free[cap.ilog2() as usize].push(Segment {
                groups: 0,
                len: 0,
                ..segment
            });
        }
    }

    /// All cells of a segment.
    pub(crate) fn cells(&self, segment: Segment) -> &[T] {
        if segment.cap == 0 {
            return &[];
        }
        &self.chunks[segment.chunk as usize][segment.range()]
    }

    /// All cells of a segment, for writing.
    pub(crate) fn cells_mut(&mut self, segment: Segment) -> &mut [T] {
        if segment.cap == 0 {
            return &mut [];
        }
        &mut Arc::make_mut(&mut self.chunks[segment.chunk as usize])[segment.range()]
    }

    /// All chunks for writing, by chunk number; for passes that write everywhere.
    pub(crate) fn slices_mut(&mut self) -> Vec<&mut [T]> {
        self.chunks
            .iter_mut()
            .map(|chunk| Arc::make_mut(chunk).as_mut_slice())
            .collect()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let cells: usize = self
            .chunks
            .iter()
            .map(|chunk| chunk.capacity() * size_of::<T>() + CHUNK_HEADER)
            .sum();
        let free: usize = self
            .free
            .iter()
            .map(|list| list.capacity() * size_of::<Segment>())
            .sum();
        cells + free + self.vacant.capacity() * size_of::<u32>()
    }

    fn new_chunk(&mut self, cells: usize) -> u32 {
        let chunk = Arc::new(vec![T::default(); cells]);
        if let Some(index) = self.vacant.pop() {
            self.chunks[index as usize] = chunk;
            return index;
        }
        self.chunks.push(chunk);
        (self.chunks.len() - 1) as u32
    }

    fn cut(&mut self, cap: usize) -> Segment {
        let (chunk, used) = match self.tail {
            Some((chunk, used)) if used + cap <= CELLS => (chunk, used),
            full => {
                if let Some((chunk, used)) = full
                    && used < CELLS
                {
                    let rest = (CELLS - used) as u32;
                    self.release(Segment {
                        chunk,
                        offset: used as u16,
                        cap: rest,
                        ..Segment::default()
                    });
                }
                (self.new_chunk(CELLS), 0)
            }
        };
        self.tail = Some((chunk, used + cap));
        Segment {
            chunk,
            offset: used as u16,
            cap: cap as u32,
            ..Segment::default()
        }
    }

    /// A freed segment that is large enough, cut to size.
    fn reuse(&mut self, cap: usize) -> Option<Segment> {
        let floor = cap.ilog2() as usize;
        let fits_floor = self.free[floor]
            .last()
            .is_some_and(|segment| segment.cap as usize >= cap);
        let class = if fits_floor {
            floor
        } else {
            (floor + 1..self.free.len()).find(|&c| !self.free[c].is_empty())?
        };
        let mut segment = self.free[class].pop()?;
        let rest = segment.cap as usize - cap;
        if rest > 0 {
            let offset = usize::from(segment.offset) + cap;
            segment.cap = cap as u32;
            self.release(Segment {
                chunk: segment.chunk,
                offset: offset as u16,
                cap: rest as u32,
                ..Segment::default()
            });
        }
        Some(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_its_values() {
        let mut a = CowVec::new(0u16);
        a.grow(10_000);
        let b = a.clone();
        *a.get_mut(9_999) = 7;
        assert_eq!(
            (a.get(9_999), b.get(9_999), b.get(10_000)),
            (Some(&7), Some(&0), None)
        );
    }

    #[test]
    fn segments_never_straddle_and_are_used_again() {
        let mut arena = Arena::<u32>::new();
        let mut segments = Vec::new();
        for i in 0..2_000usize {
            let segment = arena.allocate(i % 500 + 1);
            assert!(segment.range().end <= CELLS);
            arena.cells_mut(segment).fill(i as u32);
            segments.push(segment);
        }
        let big = arena.allocate(CELLS + 1);
        let before = arena.memory_bytes();
        for (i, segment) in segments.iter().enumerate() {
            assert!(arena.cells(*segment).iter().all(|&x| x == i as u32));
        }
        for segment in segments.drain(..).chain([big]) {
            arena.release(segment);
        }
        for i in (0..2_000usize).rev() {
            arena.allocate(i % 500 + 1);
        }
        arena.allocate(CELLS + 1);
        assert!(arena.memory_bytes() < before + before / 4);
    }
}
