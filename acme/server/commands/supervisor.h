// What the service manager (systemd) wants of a program, by our own few lines: sockets that it opened
// (sd_listen_fds(3)), being told what goes on (sd_notify(3)), a watchdog. Without one, nothing happens.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
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

// Lets the watchdog hear of the program's main loop, at half of the interval that it gave: by a point in time, whatever
// comes in between. Of the main loop's thread alone.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::microseconds interval) : every_(interval / 2) {}

  // Until when the loop may wait for something; `at_most` from now where nobody listens.
  std::chrono::microseconds may_wait(std::chrono::microseconds at_most) const;
  // The loop comes by.
  void look();

  // The loop is inside of a step and does not come by; meanwhile a thread says that it lives, and no longer than the
  // step may take: after that it hangs, and the watchdog is to see it. Signals that the loop waits for must be blocked.
  class Step {
   public:
    Step(Watchdog& watchdog, std::chrono::milliseconds at_most);
    ~Step();
    Step(Step const&) = delete;
    Step& operator=(Step const&) = delete;

   private:
    void run(std::chrono::steady_clock::time_point until);
    Watchdog& watchdog_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool is_over_ = false;
    std::thread thread_;
  };

 private:
  void tell();
  std::chrono::microseconds const every_;  // 0: nobody listens
  std::chrono::steady_clock::time_point due_ = std::chrono::steady_clock::now() + every_;
};

}  // namespace lenscap::acme
