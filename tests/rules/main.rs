//! Rule files as they ship and as they are found in the world.

mod independent;
mod precedence;
mod prebuilt;
mod real_lists;
mod shipped;
