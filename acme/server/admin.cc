#include "acme/server/admin.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace lenscap::acme {
namespace {

constexpr std::size_t kLineBytes = 64 * 1024;           // of a request
constexpr std::size_t kAnswerBytes = 64 * 1024 * 1024;  // lists are long
constexpr int kPatienceSeconds = 30;
// Of a command, for its answer: before it lie the callers of before, and a reload.
constexpr int kAnswerPatienceSeconds = 120;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error failed(std::string const& path, std::string_view what) {
  return Error(Errc::file, path + ": " + std::string(what) + ": " + std::strerror(errno));
}

Result<sockaddr_un> address_of(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error(Errc::settings, path + " is too long for a socket; use a state directory with a shorter name");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

void set_patience(int fd, int seconds = kPatienceSeconds) {
  timeval const patience{seconds, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

bool send_line(int fd, std::string line) {
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    auto const sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::optional<std::string> receive_line(int fd, std::size_t bytes_max) {
  std::string line;
  char buffer[4096];
  while (line.size() <= bytes_max) {
    auto const got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    line.append(buffer, static_cast<std::size_t>(got));
    if (line.back() == '\n') {
      line.pop_back();
      return line;
    }
  }
  return std::nullopt;
}

// A connected socket, or none when nobody listens.
Result<std::optional<Fd>> connect_to(std::string const& path) {
  TRY(auto const address, address_of(path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return failed(path, "socket");
  set_patience(fd.get(), kAnswerPatienceSeconds);
  if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0)
    return std::optional<Fd>(std::move(fd));
  if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<Fd>();
  return failed(path, "the server's admin socket");
}

// Who is at the other end.
std::optional<unsigned> user_at(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

bool may_ask(unsigned user) { return user == ::geteuid() || user == 0; }

constexpr json::Limits kRequestLimits{.bytes = kLineBytes, .depth = 16, .members = 10'000};

}  // namespace

struct AdminSocket::State {
  std::string path;
  Fd listening;

  State(std::string path_, Fd listening_) : path(std::move(path_)), listening(std::move(listening_)) {}
  ~State() { ::unlink(path.c_str()); }
};

AdminSocket::AdminSocket(std::unique_ptr<State> state) : state_(std::move(state)) {}
AdminSocket::~AdminSocket() = default;

Result<std::unique_ptr<AdminSocket>> AdminSocket::open(std::string const& path) {
  TRY(auto const address, address_of(path));
  TRY(auto const other, connect_to(path));
  if (other)
    return Error(Errc::conflict, "another lenscap-ca serves this state directory already (" + path + " answers)");
  Fd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listening.get() < 0) return failed(path, "socket");
  ::unlink(path.c_str());
  // The state directory is 0700; the mode of the socket is a second fence.
  auto const mask = ::umask(0177);
  auto const bound = ::bind(listening.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address);
  ::umask(mask);
  constexpr int kWaiting = 64;
  if (bound != 0 || ::listen(listening.get(), kWaiting) != 0) return failed(path, "cannot listen");
  return std::unique_ptr<AdminSocket>(new AdminSocket(std::make_unique<State>(path, std::move(listening))));
}

struct AdminServer::State {
  int listening;  // borrowed
  Run run;
  SentAway sent_away;
  Log log;
  Fd bell;
  std::thread thread;

  State(int listening_, Run run_, SentAway sent_away_, Log log_)
      : listening(listening_), run(std::move(run_)), sent_away(std::move(sent_away_)), log(std::move(log_)) {}

  ~State() {
    if (!thread.joinable()) return;
    std::uint64_t const one = 1;
    [[maybe_unused]] auto written = ::write(bell.get(), &one, sizeof one);
    thread.join();
  }

  void serve() {
    for (;;) {
      pollfd fds[] = {{bell.get(), POLLIN, 0}, {listening, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
      if (fds[0].revents != 0) return;
      Fd caller(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
      if (caller.get() < 0) continue;
      auto const user = user_at(caller.get());
      if (!user) continue;
      if (!may_ask(*user)) {
        log.warning("admin.refused", {{"uid", static_cast<std::int64_t>(*user)}});
        sent_away(*user);
        continue;
      }
      set_patience(caller.get());
      if (auto line = receive_line(caller.get(), kLineBytes))
        send_line(caller.get(), json::write(answer(*line, *user)));
    }
  }

  json::Object answer(std::string_view line, unsigned user) const {
    auto result = call(line, user);
    if (result) return {{"result", *std::move(result)}};
    return {{"error", to_string(result.error().code())}, {"detail", result.error().detail()}};
  }

  Result<json::Object> call(std::string_view line, unsigned user) const {
    try {
      TRY(auto request, json::parse_object(line, kRequestLimits));
      TRY(auto operation, json::need_string(request, "operation"));
      TRY(auto arguments, json::need_object(request, "arguments"));
      return run(operation, arguments, user);
    } catch (std::exception const& e) {
      log.error("admin.failed", {{"error", e.what()}});
      return Error(Errc::internal, std::string("the server failed: ") + e.what());
    }
  }
};

AdminServer::AdminServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::start(AdminSocket const& socket, Run run, SentAway sent_away,
                                                        Log log) {
  auto state =
      std::make_unique<State>(socket.state_->listening.get(), std::move(run), std::move(sent_away), std::move(log));
  state->bell = Fd(::eventfd(0, EFD_CLOEXEC));
  if (state->bell.get() < 0) return failed(socket.state_->path, "eventfd");
  state->thread = std::thread([raw = state.get()] { raw->serve(); });
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(state)));
}

Result<std::optional<json::Object>> ask_server(std::string const& path, std::string_view operation,
                                               json::Object const& arguments) {
  TRY(auto fd, connect_to(path));
  if (!fd) return std::optional<json::Object>();
  json::Object request{{"operation", operation}, {"arguments", arguments}};
  auto lost = [&] { return Error(Errc::unreachable, path + ": the server broke off the connection; see its log"); };
  if (!send_line(fd->get(), json::write(request))) return lost();
  auto const line = receive_line(fd->get(), kAnswerBytes);
  if (!line) return lost();
  TRY(auto answer, json::parse_object(*line, {.bytes = kAnswerBytes, .depth = 16, .members = 10'000'000}));
  TRY(auto result, json::get_object(answer, "result"));
  if (result) return result;
  TRY(auto code, json::need_string(answer, "error"));
  TRY(auto detail, json::need_string(answer, "detail"));
  for (int i = 0; i <= static_cast<int>(Errc::conflict); ++i)
    if (to_string(static_cast<Errc>(i)) == code) return Error(static_cast<Errc>(i), detail);
  return Error(Errc::internal, detail);
}

std::string admin_socket_path(std::string const& state_dir) { return state_dir + "/admin.sock"; }

}  // namespace lenscap::acme
