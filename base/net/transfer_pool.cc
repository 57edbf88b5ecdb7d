#include "base/net/transfer_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

namespace lenscap::net {

HttpClient::State::Pool::Pool(State& state, std::string k)
    : key(std::move(k)), owner(state.weak_from_this()), timer(state.executor), idle(state.executor) {
  multi.reset(curl_multi_init());
  ossl::check(multi != nullptr, "curl_multi_init");
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 8L);
}

void HttpClient::State::Pool::close() {
  if (closed) return;
  closed = true;
  timer.cancel();
  idle.cancel();
  for (auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi.get(), easy);
  transfers.clear();
  multi.reset();  // closes the kept connections, with on_socket for some
  sockets.clear();
}

void HttpClient::State::Pool::add(std::shared_ptr<Transfer> const& transfer) {
  CURL* easy = transfer->easy.get();
  if (curl_multi_add_handle(multi.get(), easy) != CURLM_OK) throw std::runtime_error("curl_multi_add_handle");
  transfers.emplace(easy, transfer);
  idle.cancel();
  // libcurl sets its timer to "now" and begins there
}

void HttpClient::State::Pool::act(curl_socket_t socket, int events) {
  if (closed) return;
  int running = 0;
  curl_multi_socket_action(multi.get(), socket, events, &running);
  int left = 0;
  while (CURLMsg const* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
  }
}

void HttpClient::State::Pool::finish(CURL* easy, CURLcode code) {
  auto const found = transfers.find(easy);
  if (found == transfers.end()) return;
  auto transfer = std::move(found->second);
  transfers.erase(found);
  curl_multi_remove_handle(multi.get(), easy);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer->easy.reset();
  if (auto state = owner.lock(); state && transfers.empty()) leave_when_idle(state->keep_idle);
  if (code == CURLE_OK) {
    auto& response = transfer->response;
    response.status = static_cast<int>(status);
    response.peer_chain = std::move(transfer->peer.chain);
    response.peer_spki = transfer->peer.spki;
    response.tls_version = transfer->peer.tls_version;
    wake(transfer, std::move(response));
  } else {
    wake(transfer, error_of(*transfer, code));
  }
}

void HttpClient::State::Pool::leave_when_idle(std::chrono::milliseconds after) {
  idle.expires_after(after);
  idle.async_wait([weak = weak_from_this()](error_code ec) {
    auto strong = weak.lock();
    if (ec || !strong || !strong->transfers.empty()) return;
    strong->close();
    if (auto state = strong->owner.lock()) state->pools.remove(strong);
  });
}

int HttpClient::State::Pool::on_timer(CURLM* /*multi*/, long timeout_ms, void* self) {
  auto& pool = *static_cast<Pool*>(self);
  auto const turn = ++pool.timer_turn;
  pool.timer.cancel();
  if (timeout_ms < 0 || pool.closed) return 0;
  pool.timer.expires_after(std::chrono::milliseconds(timeout_ms));
  // Never acts inside this callback, not even for 0 ms: libcurl must not be entered twice.
  pool.timer.async_wait([weak = pool.weak_from_this(), turn](error_code ec) {
    auto strong = weak.lock();
    if (!ec && strong && strong->timer_turn == turn) strong->act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

int HttpClient::State::Pool::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*per_socket*/) {
  auto& pool = *static_cast<Pool*>(self);
  if (what == CURL_POLL_REMOVE || pool.closed) {
    if (auto found = pool.sockets.find(fd); found != pool.sockets.end()) {
      found->second->wanted = CURL_POLL_NONE;
      error_code ignored;
      found->second->descriptor.close(ignored);
      pool.sockets.erase(found);
    }
    return 0;
  }
  auto& socket = pool.sockets[fd];
  if (!socket) {
    socket = std::make_shared<Socket>(pool.timer.get_executor());
    int const copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    error_code ec;
    if (copy >= 0) socket->descriptor.assign(copy, ec);
    if (copy < 0 || ec) {  // out of descriptors: the transfer fails by its time-out
      if (copy >= 0) ::close(copy);
      pool.sockets.erase(fd);
      return 0;
    }
  }
  socket->wanted = what;
  pool.watch(fd, socket);
  return 0;
}

void HttpClient::State::Pool::watch(curl_socket_t fd, std::shared_ptr<Socket> const& socket) {
  if ((socket->wanted & CURL_POLL_IN) != 0 && !socket->reading) {
    socket->reading = true;
    socket->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                  [weak = weak_from_this(), fd, socket](error_code ec) {
                                    socket->reading = false;
                                    if (auto strong = weak.lock()) strong->ready(fd, socket, CURL_POLL_IN, ec);
                                  });
  }
  if ((socket->wanted & CURL_POLL_OUT) != 0 && !socket->writing) {
    socket->writing = true;
    socket->descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                                  [weak = weak_from_this(), fd, socket](error_code ec) {
                                    socket->writing = false;
                                    if (auto strong = weak.lock()) strong->ready(fd, socket, CURL_POLL_OUT, ec);
                                  });
  }
}

void HttpClient::State::Pool::ready(curl_socket_t fd, std::shared_ptr<Socket> const& socket, int direction,
                                    error_code ec) {
  if (ec == asio::error::operation_aborted || closed) return;
  if ((socket->wanted & direction) != 0) {
    auto const event = direction == CURL_POLL_IN ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
    act(fd, ec ? CURL_CSELECT_ERR : event);
  }
  auto const now = sockets.find(fd);  // libcurl may have let it go, or have another of this number
  if (now != sockets.end() && now->second == socket) watch(fd, socket);
}

}  // namespace lenscap::net
