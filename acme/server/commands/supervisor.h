// What the service manager (systemd) wants of a program, by our own few lines: sockets that it opened
// (sd_listen_fds(3)), being told what goes on (sd_notify(3)), a watchdog. Without one, nothing happens.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace lenscap::acme {

struct InheritedSocket {
  int fd;
  std::string name;  // FileDescriptorName of its unit
};
// Those that were meant for this process; close-on-exec from here on.
std::vector<InheritedSocket> inherited_from_supervisor();

// "READY=1", "WATCHDOG=1", "STOPPING=1". Whether anybody hears it is not said.
void notify_supervisor(std::string_view state);

// How often the watchdog wants to hear of us, at least. 0: never.
std::chrono::microseconds watchdog_interval();

}  // namespace lenscap::acme
