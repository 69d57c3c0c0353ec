//! Rule files as they ship and as they are found in the world.

mod independent;
mod prebuilt;
mod precedence;
mod real_lists;
mod shipped;
