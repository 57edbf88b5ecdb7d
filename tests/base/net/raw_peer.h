// Blocking ends of a connection for the tests: a client that says exactly what it is told, and a server that follows a
// script. Neither knows HTTP beyond finding the end of a message, so that they cannot share a mistake with the code
// under test. Every wait ends after a minute with a failed read.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lenscap::net::test {

std::string data_path(std::string const& name);  // tests/data/net/NAME
std::string data(std::string const& name);       // its text

// Waits until `condition` holds; false after a minute.
bool eventually(std::function<bool()> const& condition);

struct RawResponse {
  int status = 0;  // 0: the connection ended first
  std::string head;
  std::string body;
  std::string header(std::string_view name) const;  // empty when absent
};

class RawConnection {
 public:
  RawConnection() = default;
  RawConnection(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}  // takes both
  RawConnection(RawConnection&& other) noexcept;
  RawConnection& operator=(RawConnection&& other) noexcept;
  ~RawConnection();

  bool send(std::string_view octets);
  // Reads until `end` is in what was read and not yet used; gives everything up to and with it, or "" at the end.
  std::string read_until(std::string_view end);
  std::string read_exactly(std::size_t count);  // shorter at the end
  std::string read_all();                       // until the other side closes
  RawResponse read_response(bool with_body = true);
  bool is_closed();  // waits for the end; false when octets come instead
  void shutdown_write();
  void reset();  // closes with RST
  int fd() const { return fd_; }
  SSL* ssl() const { return ssl_; }

 private:
  bool fill();
  void close();
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  std::string buffer_;
};

RawConnection connect_raw(std::uint16_t port, int receive_buffer = 0);
// TLS without looking at the certificate; `ssl() == nullptr` when the handshake failed. `configure` may change the SSL.
RawConnection connect_tls(std::uint16_t port, std::function<void(SSL*)> const& configure = {});

// Serves each connection by `script`, on a thread of its own; the script must be safe for that.
class RawServer {
 public:
  using Script = std::function<void(RawConnection&)>;
  explicit RawServer(Script script, std::string const& chain = {}, std::string const& key = {}, bool weak_tls = false);
  ~RawServer();  // ends what is still open
  std::uint16_t port() const { return port_; }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  void run();
  void serve(int fd);
  Script script_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::set<int> open_;
  std::vector<std::thread> serving_;  // the accepting thread's, until it ended
  std::thread thread_;
};

}  // namespace lenscap::net::test
