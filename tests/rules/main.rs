//! Rule files as they ship and as they are found in the world.

mod prebuilt;
mod real_lists;
mod shipped;
