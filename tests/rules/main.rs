//! Rule files as they ship and as they are found in the world.

mod real_lists;
mod shipped;
