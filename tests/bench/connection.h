// A blocking HTTPS connection of the load generator: it costs little itself, and measures how long each answer takes.
// It trusts the roots of one file; the certificate's name is checked. Errors are exceptions: a run with one is void.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace lenscap::bench {

struct Answer {
  int status = 0;
  std::string body;
  std::string location;  // header fields that ACME needs; empty when absent
  std::string nonce;
  std::vector<std::string> links;  // each Link field as it came
  std::chrono::nanoseconds took{};
};

struct Place {
  std::string host;
  std::string port;
};
// "https://localhost:14000/dir" -> the place, and "/dir".
Place place_of(std::string const& url);
std::string target_of(std::string const& url);

// Roots of all connections of a run.
class Trusted {
 public:
  explicit Trusted(std::string const& ca_file);
  ~Trusted();
  Trusted(Trusted const&) = delete;
  Trusted& operator=(Trusted const&) = delete;

 private:
  friend class Connection;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Connection {
 public:
  Connection(Trusted const& trusted, Place place);
  ~Connection();  // without a goodbye
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  // Connects when there is no connection. Not for two threads.
  Answer get(std::string const& url, bool head = false);
  Answer post(std::string const& url, std::string body);
  void close();  // the next request connects anew

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lenscap::bench
