// Refusals of the HTTP layer and faults of our own, as an ACME client sees them: problem documents that agree with
// their status, and a request id for whoever reads the log.
#include <gtest/gtest.h>

#include <atomic>

#include "base/net/http_client.h"
#include "base/net/listener.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

TEST(HttpProblem, SaysTheStatusThatItComesWith) {  // RFC 7807 3.1
  TestServer server;
  for (int const status : {400, 404, 405, 408, 411, 413, 414, 417, 431, 500, 503}) {
    auto const response = server.app->acme_routes.error(status, "what was wrong");
    Answer const answer{response.status, response.headers, response.body};
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(json::need_int(answer.object(), "status").value(), status);
    EXPECT_EQ(answer.detail(), "what was wrong") << status;
    EXPECT_FALSE(answer.problem().empty()) << status;
    EXPECT_FALSE(answer.header("Replay-Nonce").empty()) << status;  // 8555-6.5-2
  }
}

// A store that can be told to fail as a file system does.
class FailingReads : public store::Store {
 public:
  explicit FailingReads(std::atomic<bool>& failing) : failing_(failing) {}
  void read(store::ReadBody const& body) override {
    if (failing_) throw std::runtime_error("the inner truth");
    below_->read(body);
  }
  bool write(store::WriteBody const& body) override { return below_->write(body); }
  void write_async(store::WriteBody body, std::function<void(std::exception_ptr, bool)> done,
                   store::Urgency urgency) override {
    below_->write_async(std::move(body), std::move(done), urgency);
  }

 private:
  std::atomic<bool>& failing_;
  std::unique_ptr<store::Store> below_ = store::make_memory_store();
};

TEST(Exceptions, EndAsAProblemWithTheIdOfTheLog) {
  std::atomic<bool> failing = false;
  TestServer server({.store = std::make_unique<FailingReads>(failing)});
  auto client = granted_client(server);
  auto const& urls = server.app->settings.urls;
  auto const body = client.sign(urls.directory(), "", server.nonce());
  net::Gate gate(server.app->acme_routes);
  auto listener = net::Listener::open(server.app->threads, {}, gate, server.app->log).value();

  net::IoThreads threads{1};
  net::HttpClient http{threads.executor(0)};
  auto const post = [&] {
    net::ClientRequest request;
    request.method = net::Method::post;
    request.url = "http://127.0.0.1:" + std::to_string(listener->port()) + "/acme/directory";
    request.headers.add("Content-Type", "application/jose+json");
    request.body = body;
    auto response = net::run(threads.executor(0), http.fetch(std::move(request)));
    EXPECT_TRUE(response.ok()) << response.error().detail();
    return Answer{response->status, response->headers, response->body};
  };
  failing = true;
  auto const answer = post();
  failing = false;
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.problem(), "serverInternal") << answer.body;
  EXPECT_EQ(json::need_int(answer.object(), "status").value(), 500);
  EXPECT_EQ(answer.body.find("inner truth"), std::string::npos);
  std::string id;
  for (auto const& line : server.log_lines())
    if (line.find("net.exception") != std::string::npos)
      id = json::need_string(json::parse_object(line).value(), "request").value();
  ASSERT_FALSE(id.empty());
  EXPECT_NE(answer.detail().find(id), std::string::npos) << answer.body;
  EXPECT_EQ(post().status, 200);  // nothing was burnt, nothing is stuck
  listener->stop();
  threads.stop();
  threads.join();
}

}  // namespace
}  // namespace lenscap::acme::test
