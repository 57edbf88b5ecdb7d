// Takes away from this process what it will not need any more: system calls (seccomp) and the file system (Landlock).
// Cannot be taken back, and binds what it starts later. What is open stays usable.
// A call that is not on the list fails with EPERM; nothing is killed, so that a C library that tries something first
// and has another way goes on.
#pragma once

#include <string>

namespace lenscap {

enum class Confinement {
  // Reads and writes what is open, makes memory, asks for random octets and the time. No file, no socket, no program,
  // no thread, no capability.
  key_in_memory,
  // The same for a process whose key lies behind a vendor's module (PKCS#11): files, threads, and connections that it
  // opens itself (a token may be a device, a daemon or a box in the network). No program, no other process's memory,
  // nothing that listens. The file system is left to the module: nobody knows which files it needs.
  key_in_module,
};

// Whether it may take connections at a socket that listens already, and ask who is at the other end.
enum class Connections { none, taken };

struct Confined {
  bool calls = false;  // are the system calls filtered?
  bool files = false;  // is the file system out of reach?
  std::string why;     // what the kernel would not do; empty: nothing was left undone
};

// For all threads; call it before there is a second one, since Landlock binds the calling thread and those that it
// starts. In builds with sanitizers the list of calls is that of the sanitizers, too: see sandbox.cc.
Confined confine(Confinement how, Connections connections = Connections::none);

// Keeps the kernel from swapping this process's memory out, where that has no limit that would hit later. Best effort.
void keep_memory_from_swap();

}  // namespace lenscap
