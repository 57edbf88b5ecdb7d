// Keeps what is in memory from the disk and from others' eyes: no core dump, no debugger of another user's.
// It does NOT keep the kernel from swapping: encrypt the swap, or have none.
#pragma once

namespace lenscap {

// For the whole process, first thing in main().
void keep_memory_private();

}  // namespace lenscap
