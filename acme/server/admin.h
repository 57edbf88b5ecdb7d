// The admin socket: commands of the same machine and user talk to the running server through it. STATE/admin.sock, mode
// 0600, and the other end must be the same user or root (SO_PEERCRED). One JSON line each way:
//   {"operation":"eab.list","arguments":{}}  ->  {"result":{...}}  or  {"error":"malformed","detail":"..."}
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/log.h"

namespace lenscap::acme {

// The socket itself. It stays while the server behind it is taken down and set up anew: callers wait at it meanwhile.
class AdminSocket {
 public:
  // One that a dead server left is replaced. Errc::conflict when a living one answers there, Errc::file.
  static Result<std::unique_ptr<AdminSocket>> open(std::string const& path);
  ~AdminSocket();  // removes it
  AdminSocket(AdminSocket const&) = delete;
  AdminSocket& operator=(AdminSocket const&) = delete;

 private:
  friend class AdminServer;
  struct State;
  explicit AdminSocket(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The server's end: a thread of its own that serves one caller after the other.
class AdminServer {
 public:
  // `user`: the number of who asks.
  using Run =
      std::function<Result<json::Object>(std::string_view operation, json::Object const& arguments, unsigned user)>;
  // Told of each who is neither the same user nor root; nothing of what he wants is read.
  using SentAway = std::function<void(unsigned user)>;

  // `socket` is borrowed. Errc::file.
  static Result<std::unique_ptr<AdminServer>> start(AdminSocket const& socket, Run run, SentAway sent_away, Log log);
  ~AdminServer();  // whoever is being answered gets the answer
  AdminServer(AdminServer const&) = delete;
  AdminServer& operator=(AdminServer const&) = delete;

 private:
  struct State;
  explicit AdminServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The command's end. Nothing when no server listens there. Waits for one that is just being set up anew.
Result<std::optional<json::Object>> ask_server(std::string const& path, std::string_view operation,
                                               json::Object const& arguments);

std::string admin_socket_path(std::string const& state_dir);

}  // namespace lenscap::acme
