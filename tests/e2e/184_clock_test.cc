// lenscap-ca with a clock that jumps: nothing is signed that would bear a wrong time, and the reason is told.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include "tests/e2e/faults.h"

namespace lenscap::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Clock : Faults {
  // What `serve` says when its clock is moved by so much, and the code with which it ended; 0 when it served.
  std::pair<int, std::string> serve_at(std::string const& moved, std::vector<std::string> const& more = {}) {
    auto const said = fakes::CaProcess::read(ca.path("log")).size();
    std::vector<std::string> before;
    // As the program faketime does it, which would stand between this test and the server.
    if (!moved.empty())
      before = {"env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "FAKETIME=" + moved};
    try {
      ca.serve(before, more);
    } catch (std::runtime_error const&) {
    }
    auto const code = ca.stop();
    return {code, fakes::CaProcess::read(ca.path("log")).substr(said)};
  }
};

TEST_F(Clock, IsNotBelievedWhenItJumpsBack) {
  Told told;
  Worker worker(0, 1, ca, eab, told);
  ca.serve();
  EXPECT_EQ(worker.work(1), "");
  EXPECT_EQ(ca.stop(), 0);
  auto const little = serve_at("-200s");
  EXPECT_EQ(little.first, 0) << "five minutes are believed: " << little.second;
  auto const much = serve_at("-600s");
  EXPECT_EQ(much.first, 0) << "it serves what was signed before: " << much.second;
  EXPECT_THAT(much.second, HasSubstr("server.certificate_not_renewed"));
  EXPECT_THAT(much.second, HasSubstr("nothing is signed until the clock is right"));
  auto const long_ago = serve_at("@1970-01-02 00:00:00");
  EXPECT_EQ(long_ago.first, 0) << long_ago.second;
  EXPECT_THAT(long_ago.second, HasSubstr("1970-01-0"));
  EXPECT_THAT(long_ago.second, HasSubstr("this program was not there yet"));
  expect_whole(told);
  ca.serve();
  EXPECT_EQ(worker.work(1), "") << "the right clock is believed again";
  EXPECT_EQ(worker.orders(), 2);
  EXPECT_EQ(ca.stop(), 0);
}

// What was signed in the meantime bears a late time; whether it was wrong only a person can know.
TEST_F(Clock, ThatHadRunAheadIsAcceptedByAPersonAlone) {
  Told told;
  Worker worker(0, 1, ca, eab, told);
  auto const ahead = serve_at("+30d");
  EXPECT_EQ(ahead.first, 0) << ahead.second;
  auto const back = serve_at("");
  EXPECT_EQ(back.first, 0) << back.second;
  EXPECT_THAT(back.second, HasSubstr("serve --accept-clock, once"));
  auto const accepted = serve_at("", {"--accept-clock"});
  EXPECT_EQ(accepted.first, 0) << accepted.second;
  ca.serve();
  EXPECT_EQ(worker.work(1), "");
  EXPECT_EQ(worker.orders(), 1);
  EXPECT_EQ(ca.stop(), 0);
  auto const verified = ca.run({"store", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
}

// --- a clock that jumps while it serves

// What the server and its signer take for the time: both look at one file (shifted_clock.cc).
class MovableClock {
 public:
  explicit MovableClock(std::string file) : file_(std::move(file)) {
    std::ofstream(file_) << std::string(sizeof(std::int64_t), '\0');
    int const fd = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
    void* const place = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (place == MAP_FAILED) throw std::runtime_error("no clock in " + file_);
    shift_ = static_cast<std::atomic<std::int64_t>*>(place);
  }
  ~MovableClock() { ::munmap(shift_, sizeof(std::int64_t)); }
  MovableClock(MovableClock const&) = delete;
  MovableClock& operator=(MovableClock const&) = delete;

  // Words in front of the program that is to have this clock.
  std::vector<std::string> before() const {
    return {"env", "LD_PRELOAD=" LENSCAP_SHIFTED_CLOCK, "LENSCAP_CLOCK_SHIFT=" + file_};
  }
  void be_off_by(Seconds seconds) { *shift_ = seconds.count(); }
  void be_right() { *shift_ = 0; }

 private:
  std::string const file_;
  std::atomic<std::int64_t>* shift_ = nullptr;
};

struct ClockOfAServer : Faults {
  void serve(std::vector<std::string> const& more = {}) { ca.serve(clock.before(), more); }
  // One of these, with a connection of its own; what was wrong is a failure.
  void order() {
    work([&] { client.order(); });
  }
  void revoke() {
    work([&] { client.revoke(); });
  }
  void work(std::function<void()> const& what) {
    client.forget_refusal();
    EXPECT_EQ(client.with_connection(what), "");
  }
  std::string health() { return ca.programs().run({"curl", "-s", ca.web() + "/health"}).out; }
  // Is the list that is served one that clients take, by their clock and not the server's?
  bool is_list_of_now() {
    auto const issuing = x509::parse_pem_chain(fakes::CaProcess::read(ca.issuing())).value().front();
    auto const url = ca.web() + "/crl/" + to_hex(issuing.subject_key_id()) + ".crl";
    auto const octets = ca.programs().run({"curl", "-s", url}).out;
    auto const* at = as_bytes(octets).data();
    ossl::Ptr<X509_CRL, X509_CRL_free> const list(d2i_X509_CRL(nullptr, &at, static_cast<long>(octets.size())));
    return list && X509_cmp_current_time(X509_CRL_get0_lastUpdate(list.get())) < 0 &&
           X509_cmp_current_time(X509_CRL_get0_nextUpdate(list.get())) > 0;
  }
  // An order that has to be refused, with the reason.
  void expect_no_signature(std::string const& reason) {
    auto const orders = client.orders();
    order();
    EXPECT_TRUE(client.was_refused());
    EXPECT_EQ(client.orders(), orders);
    EXPECT_THAT(client.refusal(), AllOf(HasSubstr("/finalize: 503 "), HasSubstr(reason)));
  }

  MovableClock clock{ca.path("shift")};
  Told told;
  Worker client{0, 1, ca, eab, told, Refusals::proper};
};

TEST_F(ClockOfAServer, GoesBackByAnHourAndIsPutRight) {
  serve();
  order();
  ASSERT_EQ(client.orders(), 1) << client.refusal();
  EXPECT_TRUE(is_list_of_now());
  auto const lists = ca.events("crl.made");

  clock.be_off_by(-kHour);
  expect_no_signature("nothing is signed until the clock is right");
  EXPECT_THAT(health(), AllOf(HasSubstr("\"status\":\"failed\""), HasSubstr("clock: this machine's clock says ")));
  EXPECT_GT(ca.events("finalize.put_off"), 0) << ca.log();
  // What takes no signature goes on; the list with this revocation waits.
  EXPECT_EQ(ca.reload(), "reload.done") << ca.log();
  EXPECT_TRUE(is_list_of_now());
  revoke();
  work([&] { client.change_key(); });
  EXPECT_FALSE(client.was_refused()) << client.refusal();
  EXPECT_EQ(told.revoked(), 1U);
  EXPECT_EQ(told.changed_keys(), 1U);
  EXPECT_TRUE(until([&] { return ca.events("crl.not_made") > 0; })) << ca.log();
  EXPECT_EQ(ca.events("crl.made"), lists);
  EXPECT_THAT(health(), HasSubstr("could not be made anew; the last list is still good"));

  clock.be_right();
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  revoke();
  EXPECT_TRUE(until([&] { return ca.events("crl.made") > lists; })) << ca.log();
  EXPECT_TRUE(until([&] { return health().find("could not be made") == std::string::npos; })) << health();
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

TEST_F(ClockOfAServer, WasAYearAheadAndSignedNothingThen) {
  serve();
  order();
  clock.be_off_by(365 * kDay);
  work([&] { client.change_key(); });
  EXPECT_EQ(told.changed_keys(), 1U);
  clock.be_right();
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

// Whether that was the right time only a person can know.
TEST_F(ClockOfAServer, WasAYearAheadAndSignedThen) {
  serve();
  order();
  clock.be_off_by(365 * kDay);
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  clock.be_right();
  expect_no_signature("serve --accept-clock, once");
  revoke();
  EXPECT_EQ(told.revoked(), 1U) << "revocation goes on";
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);

  serve();  // lists and revocation go on; by itself it does not believe the clock
  expect_no_signature("serve --accept-clock, once");
  EXPECT_EQ(ca.stop(), 0);
  serve({"--accept-clock"});
  order();
  EXPECT_EQ(client.orders(), 3) << client.refusal();
  EXPECT_THAT(health(), Not(HasSubstr("could not be made")));
  EXPECT_EQ(ca.stop(), 0);
  serve();
  order();
  EXPECT_EQ(client.orders(), 4) << client.refusal();
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

// A list bears the late time as a certificate does, and clients take none whose time has not come.
TEST_F(ClockOfAServer, WasAYearAheadAndMadeAListThen) {
  serve();
  order();
  clock.be_off_by(365 * kDay);
  revoke();
  ASSERT_TRUE(until([&] { return !is_list_of_now(); })) << ca.log();
  clock.be_right();
  order();
  EXPECT_TRUE(client.was_refused());
  EXPECT_THAT(client.refusal(), HasSubstr("serve --accept-clock, once")) << "the list is remembered";
  EXPECT_THAT(client.refusal(), HasSubstr(": 503 ")) << "and the order waits";
  EXPECT_EQ(ca.stop(), 0);
  serve({"--accept-clock"});
  order();
  EXPECT_EQ(client.orders(), 2) << client.refusal();
  EXPECT_TRUE(is_list_of_now());
  EXPECT_EQ(ca.stop(), 0);
  expect_whole(told);
}

}  // namespace
}  // namespace lenscap::e2e
