#include "agent/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/journal_record.h"
#include "store/backends.h"
#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::camera;
using ::testing::ElementsAre;
using testing::enrolled_camera;
using testing::hash;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::succeed;

constexpr Step kForward[] = {Step::probe,   Step::make_key,  Step::place_order,  Step::get_certificate,
                             Step::install, Step::snapshot,  Step::switch_https, Step::verify_served,
                             Step::promote, Step::remove_old};

constexpr Step kBeforeSwitch[] = {Step::probe,           Step::make_key, Step::place_order,
                                  Step::get_certificate, Step::install,  Step::snapshot};

Journal fresh() { return begin_journal(camera(), Purpose::enroll, "lenscap-00000002", "task", kNow); }

// Through the store's form and back, as a crash would take it.
Journal reread(Journal const& journal) { return parse_journal(json::write(to_json(journal))).value(); }

// Goes on until the journal waits or is over; `fail` may fail a step.
using Failing = std::function<std::optional<Failure>(Step)>;
std::vector<Step> run(
    Journal& journal, Failing const& fail = [](Step) { return std::nullopt; }) {
  std::vector<Step> steps;
  journal = resume(journal);
  while (!journal.waits && steps.size() < 100) {
    auto step = next_step(journal);
    if (!step) break;
    steps.push_back(*step);
    journal = reread(begin_step(journal, *step, kNow));
    auto failure = fail(*step);
    journal = reread(failure ? note_failure(journal, *failure, kNow) : succeed(journal, *step));
  }
  return steps;
}

Failing fail_at(Step wanted, Retry retry) {
  return [=](Step step) -> std::optional<Failure> {
    if (step != wanted) return std::nullopt;
    return Failure{"store_full", retry, "no room"};
  };
}

// The journal just before `step`.
Journal before(Step step) {
  auto journal = fresh();
  for (auto done : kForward) {
    if (done == step) return journal;
    EXPECT_EQ(next_step(journal), done);
    journal = succeed(begin_step(journal, done, kNow), done);
  }
  return journal;
}

TEST(NextStep, GoesThroughAnEnrolmentInOrder) {
  auto journal = fresh();
  EXPECT_THAT(run(journal), ::testing::ElementsAreArray(kForward));
  EXPECT_EQ(journal.outcome, Outcome::done);
  EXPECT_EQ(next_step(journal), std::nullopt);
  EXPECT_EQ(journal.sentence, "the new certificate is served and proven");
}

TEST(NextStep, AfterAKillTheBegunStepIsDoneAgain) {
  for (auto killed : kForward) {
    SCOPED_TRACE(to_string(killed));
    auto journal = reread(begin_step(before(killed), killed, kNow));  // written down, then the lights go out
    EXPECT_EQ(next_step(resume(journal)), killed);
    auto steps = run(journal);
    EXPECT_EQ(steps.front(), killed);
    EXPECT_EQ(journal.outcome, Outcome::done);
  }
}

TEST(NextStep, AfterAKillOnTheWayBackItGoesOnBack) {
  for (auto killed : {Step::restore, Step::verify_restored, Step::discard}) {
    SCOPED_TRACE(to_string(killed));
    auto journal = before(Step::verify_served);
    journal = note_failure(begin_step(journal, Step::verify_served, kNow),
                           {"switched_but_not_served", Retry::later, ""}, kNow);
    while (next_step(journal) != killed) {
      auto step = next_step(journal).value();
      journal = succeed(begin_step(journal, step, kNow), step);
    }
    journal = reread(begin_step(journal, killed, kNow));
    EXPECT_EQ(next_step(resume(journal)), killed);
    run(journal);
    EXPECT_EQ(journal.outcome, Outcome::rolled_back);
  }
}

TEST(NoteFailure, BeforeTheSwitchNeverMeansDiscard) {
  for (auto failing : kBeforeSwitch) {
    SCOPED_TRACE(to_string(failing));
    auto journal = fresh();
    auto steps = run(journal, fail_at(failing, Retry::never));
    EXPECT_EQ(journal.outcome, Outcome::failed);
    EXPECT_THAT(journal.sentence, HasSubstr("no room"));
    EXPECT_EQ(journal.failure->code, "store_full");
    for (auto step : steps) EXPECT_NE(step, Step::switch_https);
    bool touched = failing != Step::probe;
    EXPECT_EQ(steps.back(), touched ? Step::discard : Step::probe);
  }
}

// What the CA refuses: nothing stays on the device, and it is asked again by itself, at last once a day.
TEST(NoteFailure, BeforeTheSwitchAnewMeansDiscardAndAnotherRound) {
  auto device = camera();
  Time now = kNow;
  for (int round = 1; round <= 20; ++round) {
    auto journal = fresh();
    auto const steps = run(journal, fail_at(Step::place_order, Retry::anew));
    EXPECT_THAT(steps, ElementsAre(Step::probe, Step::make_key, Step::place_order, Step::discard));
    EXPECT_EQ(journal.outcome, Outcome::failed);
    device = with_outcome(device, journal, now);
    EXPECT_FALSE(may_try(device, now + kRetryFloor - Seconds(1)));
    now += kRetryCeiling * 11 / 10;
    EXPECT_EQ(work_for(device, &journal, now), Work::enroll) << round;
  }
}

TEST(NoteFailure, BeforeTheSwitchLaterWaitsAndTheThirdTimeDiscards) {
  for (auto failing : kBeforeSwitch) {
    SCOPED_TRACE(to_string(failing));
    auto journal = fresh();
    for (int round = 1; round <= 2; ++round) {
      auto steps = run(journal, fail_at(failing, Retry::later));
      EXPECT_EQ(steps.back(), failing);
      EXPECT_TRUE(journal.waits);
      EXPECT_EQ(journal.outcome, Outcome::running);
      EXPECT_EQ(journal.tries, round);
      EXPECT_EQ(next_step(journal), failing);
    }
    run(journal, fail_at(failing, Retry::later));
    EXPECT_EQ(journal.outcome, Outcome::failed);
  }
}

TEST(NoteFailure, BeforeTheSwitchAWaitingJournalCanStillSucceed) {
  for (auto failing : kBeforeSwitch) {
    SCOPED_TRACE(to_string(failing));
    auto journal = fresh();
    run(journal, fail_at(failing, Retry::later));
    auto steps = run(journal);
    EXPECT_EQ(steps.front(), failing) << "what was done stays done";
    EXPECT_EQ(journal.outcome, Outcome::done);
    EXPECT_EQ(journal.failure, std::nullopt);
  }
}

TEST(NoteFailure, NowIsTriedThreeTimesInOneRun) {
  for (auto failing : kForward) {
    if (failing == Step::promote || failing == Step::remove_old) continue;
    SCOPED_TRACE(to_string(failing));
    auto journal = fresh();
    auto steps = run(journal, fail_at(failing, Retry::now));
    EXPECT_EQ(std::count(steps.begin(), steps.end(), failing), 3);
    EXPECT_NE(journal.outcome, Outcome::running);
    EXPECT_NE(journal.outcome, Outcome::done);
  }
}

TEST(NoteFailure, FromTheSwitchOnItRestoresVerifiesAndDiscards) {
  for (auto failing : {Step::switch_https, Step::verify_served}) {
    for (auto retry : {Retry::never, Retry::later}) {
      SCOPED_TRACE(to_string(failing));
      auto journal = before(failing);
      auto steps = run(journal, fail_at(failing, retry));
      EXPECT_THAT(steps, ElementsAre(failing, Step::restore, Step::verify_restored, Step::discard));
      EXPECT_EQ(journal.outcome, Outcome::rolled_back);
      EXPECT_THAT(journal.sentence, HasSubstr("serves again what it served before"));
      EXPECT_EQ(journal.failure->code, "store_full");
      EXPECT_THAT(journal.removed_ids, ElementsAre("lenscap-00000002"));
    }
  }
}

TEST(NoteFailure, AFailedRollBackWaitsAndIsTriedAgain) {
  for (auto failing : {Step::restore, Step::verify_restored}) {
    for (auto retry : {Retry::never, Retry::later, Retry::now}) {
      SCOPED_TRACE(to_string(failing));
      auto journal = before(Step::verify_served);
      auto twice = [&](Step step) -> std::optional<Failure> {
        if (step == Step::verify_served) return Failure{"switched_but_not_served", Retry::later, "serves another one"};
        return fail_at(failing, retry)(step);
      };
      for (int round = 0; round < 20; ++round) {  // however often: it never gives up
        auto steps = run(journal, twice);
        EXPECT_EQ(steps.back(), failing);
        EXPECT_EQ(journal.outcome, Outcome::rollback_failed);
        EXPECT_TRUE(journal.waits);
        EXPECT_THAT(journal.sentence, HasSubstr("no room"));
        EXPECT_THAT(journal.sentence, HasSubstr("serves another one"));
        for (auto step : steps) EXPECT_NE(step, Step::discard) << "what may be served must not be removed";
      }
      EXPECT_THAT(run(journal), ElementsAre(Step::restore, Step::verify_restored, Step::discard));
      EXPECT_EQ(journal.outcome, Outcome::rolled_back);
      EXPECT_EQ(journal.failure->code, "switched_but_not_served");
    }
  }
}

// Cameras lock accounts: the way back waits for a person as well when the password was refused.
TEST(NoteFailure, ARefusedPasswordOnTheWayBackIsNotSentByItself) {
  auto journal = before(Step::verify_served);
  bool refuses = true;
  auto const failing = [&](Step step) -> std::optional<Failure> {
    if (step == Step::verify_served) return Failure{"switched_but_not_served", Retry::later, "serves another one"};
    if (step == Step::restore && refuses) return Failure{"auth_failed", Retry::never, "refused"};
    return std::nullopt;
  };
  run(journal, failing);
  auto device = with_outcome(camera(), journal, kNow);
  EXPECT_EQ(device.failure->code, "rollback_failed");
  EXPECT_EQ(work_for(device, &journal, kNow + 400 * kDay), Work::nothing);
  device.failure.reset();  // a person gave the password
  device.failures = 0;
  EXPECT_EQ(work_for(device, &journal, kNow), Work::go_on);
  refuses = false;
  run(journal, failing);
  EXPECT_EQ(journal.outcome, Outcome::rolled_back);
}

TEST(NoteFailure, AFailedDiscardEndsTheStoryAndLeavesSomethingOver) {
  auto journal = before(Step::install);
  auto both = [](Step step) -> std::optional<Failure> {
    if (step == Step::install) return Failure{"bad_certificate", Retry::never, "refused"};
    if (step == Step::discard) return Failure{"unreachable", Retry::later, "no answer"};
    return std::nullopt;
  };
  EXPECT_THAT(run(journal, both), ElementsAre(Step::install, Step::discard));
  EXPECT_EQ(journal.outcome, Outcome::failed);
  EXPECT_EQ(
      journal.sentence,
      "the certificate could not be installed: refused; the unfinished certificate is still on the device: no answer");
  auto device = with_outcome(camera(), journal, kNow);
  EXPECT_THAT(device.leftover_ids, ElementsAre("lenscap-00000002"));
  EXPECT_EQ(device.failure->code, "bad_certificate");
  EXPECT_EQ(device.failures, 1);
}

// Each certificate counts once, however often it was looked at; the third in a row ends it until a person looked.
TEST(WithOutcome, ThreeWrongCertificatesAreEnough) {
  auto device = camera();
  for (int wrong = 1; wrong <= 4; ++wrong) {
    auto journal = before(Step::get_certificate);
    run(journal, fail_at(Step::get_certificate, Retry::later));
    device = with_outcome(device, journal, kNow);
    EXPECT_EQ(device.wrong_certificates, std::min(wrong - 1, kWrongCertificatesMax)) << "another failure is none";

    journal = before(Step::get_certificate);
    auto const failing = [](Step step) -> std::optional<Failure> {
      if (step != Step::get_certificate) return std::nullopt;
      return Failure{std::string(kWrongCertificate), Retry::anew, "for another key"};
    };
    run(journal, failing);
    device = with_outcome(device, journal, kNow);
    EXPECT_EQ(device.wrong_certificates, std::min(wrong, kWrongCertificatesMax));
    EXPECT_EQ(device.failure->retry, wrong < kWrongCertificatesMax ? Retry::anew : Retry::never);
    EXPECT_EQ(may_try(device, kNow + kDay * 2), wrong < kWrongCertificatesMax);
  }
  EXPECT_THAT(device.failure->text, HasSubstr("three certificates in a row"));
  EXPECT_EQ(with_success(device, kNow).wrong_certificates, 0);
}

TEST(NoteFailure, AFailedCleanUpIsNoFailure) {
  auto journal = before(Step::remove_old);
  run(journal, fail_at(Step::remove_old, Retry::never));
  EXPECT_EQ(journal.outcome, Outcome::done);
  EXPECT_THAT(journal.sentence, HasSubstr("still on the device: no room"));
  auto device = promote(before(Step::promote), enrolled_camera(), kNow).device;
  device = with_outcome(device, journal, kNow);
  EXPECT_THAT(device.leftover_ids, ElementsAre("lenscap-00000001"));
  EXPECT_EQ(device.failure, std::nullopt);
}

TEST(NoteOrderLost, PlacesAnotherOneThreeTimesInARow) {
  auto journal = before(Step::place_order);
  for (int i = 1; i <= 2; ++i) {
    journal = succeed(begin_step(journal, Step::place_order, kNow), Step::place_order);
    EXPECT_EQ(journal.orders, i);
    journal = reread(note_order_lost(begin_step(journal, Step::get_certificate, kNow), "gone", kNow));
    EXPECT_EQ(next_step(journal), Step::place_order);
    EXPECT_FALSE(journal.csr.empty()) << "the key stays";
  }
  journal = succeed(begin_step(journal, Step::place_order, kNow), Step::place_order);
  journal = note_order_lost(begin_step(journal, Step::get_certificate, kNow), "it expired", kNow);
  EXPECT_EQ(next_step(journal), Step::discard);
  EXPECT_THAT(journal.sentence, HasSubstr("the last one: it expired"));
  journal = succeed(begin_step(journal, Step::discard, kNow), Step::discard);
  EXPECT_TRUE(may_try(with_outcome(camera(), journal, kNow), kNow + kDay)) << "a certificate must not expire for it";
}

// A proof that failed, say: the next run is not the one that gives up for what the runs before met.
TEST(NoteOrderLost, APauseBeginsTheCountAnew) {
  auto journal = before(Step::place_order);
  for (int run = 1; run <= 5; ++run) {
    SCOPED_TRACE(run);
    journal = reread(resume(journal));
    if (run > 1) {
      ASSERT_EQ(next_step(journal), Step::get_certificate);
      journal = note_order_lost(begin_step(journal, Step::get_certificate, kNow), "its proof failed", kNow);
    }
    ASSERT_EQ(next_step(journal), Step::place_order);
    journal = succeed(begin_step(journal, Step::place_order, kNow), Step::place_order);
    Failure const failure{"connection", Retry::later, "nobody answers there"};
    journal = note_failure(begin_step(journal, Step::get_certificate, kNow), failure, kNow);
    ASSERT_TRUE(journal.waits);
    ASSERT_FALSE(journal.turned_back);
  }
}

TEST(Pins, TheNewKeyCountsWhileNobodyKnowsWhichIsServed) {
  auto device = camera();
  for (auto step : kForward) {
    SCOPED_TRACE(to_string(step));
    auto journal = begin_step(before(step), step, kNow);
    bool in_doubt = step == Step::switch_https || step == Step::verify_served || step == Step::promote;
    if (step == Step::remove_old) break;  // then the device's own pin is the new one
    if (in_doubt) {
      EXPECT_THAT(pins(device, &journal), ElementsAre(hash(1), hash(2)));
    } else {
      EXPECT_THAT(pins(device, &journal), ElementsAre(hash(1)));
    }
  }
  auto journal = before(Step::verify_served);
  auto back = note_failure(begin_step(journal, Step::verify_served, kNow), {"x", Retry::never, ""}, kNow);
  EXPECT_THAT(pins(device, &back), ElementsAre(hash(1), hash(2), hash(3)))
      << "until it is proven that the old one is back, any key that was in the device before";
  run(back);
  EXPECT_THAT(pins(device, &back), ElementsAre(hash(1)));
  EXPECT_THAT(pins(device, nullptr), ElementsAre(hash(1)));

  auto promoted = promote(before(Step::promote), camera(), kNow);
  EXPECT_THAT(pins(promoted.device, &promoted.journal), ElementsAre(hash(2)));
}

TEST(MayUsePlainHttp, OnlyUntilAKeyWasApproved) {
  auto device = camera();
  device.pin.reset();
  EXPECT_FALSE(may_use_plain_http(device));
  device.accept_plain_http = true;
  EXPECT_TRUE(may_use_plain_http(device));
  auto journal = before(Step::verify_served);
  EXPECT_THAT(pins(device, &journal), ElementsAre(hash(2)));
  auto promoted = promote(before(Step::promote), device, kNow);
  EXPECT_FALSE(may_use_plain_http(promoted.device));
  promoted.device.accept_plain_http = true;  // set by hand later: a pin is stronger
  EXPECT_FALSE(may_use_plain_http(promoted.device));
}

TEST(HoldsWayBack, FromTheSwitchUntilTheEnd) {
  for (auto step : kForward) {
    bool const holds = step == Step::switch_https || step == Step::verify_served || step == Step::promote;
    EXPECT_EQ(holds_way_back(begin_step(before(step), step, kNow)), holds) << to_string(step);
  }
  auto journal = before(Step::verify_served);
  run(journal, [](Step step) -> std::optional<Failure> {
    if (step == Step::verify_served || step == Step::restore) return Failure{"unreachable", Retry::later, "away"};
    return std::nullopt;
  });
  EXPECT_EQ(journal.outcome, Outcome::rollback_failed);
  EXPECT_TRUE(holds_way_back(journal));
  run(journal);
  EXPECT_FALSE(holds_way_back(journal)) << "it is back";
}

TEST(WorkFor, Cases) {
  auto const is = [](Device const& device, Journal const* journal, Time now = kNow) {
    return work_for(device, journal, now);
  };
  auto journal = before(Step::install);
  auto over = fresh();
  run(over);
  EXPECT_EQ(is(camera(), nullptr), Work::enroll);
  auto old = camera();
  old.https = HttpsState::unsupported_firmware;
  EXPECT_EQ(is(old, nullptr), Work::nothing) << "no round tries what no driver can do";
  EXPECT_EQ(is(camera(), &journal), Work::go_on);
  EXPECT_EQ(is(enrolled_camera(), nullptr), Work::nothing);
  EXPECT_EQ(is(enrolled_camera(), &over), Work::nothing);
  EXPECT_EQ(is(enrolled_camera(), &journal), Work::go_on);
  EXPECT_EQ(is(enrolled_camera(), &over, kNow + 70 * kDay), Work::renew);

  auto waiting = with_failure(enrolled_camera(), {"unreachable", Retry::later, ""}, kNow);
  EXPECT_EQ(is(waiting, &journal), Work::nothing);
  EXPECT_EQ(is(waiting, &journal, kNow + kRetryFloor - Seconds(1)), Work::nothing);
  EXPECT_EQ(is(waiting, &journal, kNow + kRetryFloor * 2), Work::go_on);
  auto blocked = with_failure(enrolled_camera(), {"auth_failed", Retry::never, ""}, kNow);
  EXPECT_EQ(is(blocked, &journal, kNow + 400 * kDay), Work::nothing) << "a password is not tried again by itself";
}

// A certificate of a CA that the agent left is due at once, by the ordinary way of a renewal, and says nothing of a
// predecessor that the new CA could know.
TEST(WorkFor, ADeviceThatIsToBeMoved) {
  auto moving = enrolled_camera();
  moving.moves_from = "https://old.example/acme/directory";
  EXPECT_EQ(work_for(moving, nullptr, kNow), Work::renew);
  EXPECT_TRUE(wants_certificate(moving));
  auto journal = begin_journal(moving, Purpose::renew, "lenscap-00000002", "task", kNow);
  EXPECT_EQ(journal.replaces, "");

  auto rolled_back = journal;
  rolled_back.outcome = Outcome::rolled_back;
  EXPECT_EQ(with_outcome(moving, rolled_back, kNow).moves_from, moving.moves_from) << "it did not get there";

  journal.verified = true;
  auto const moved = promote(journal, moving, kNow).device;
  EXPECT_EQ(moved.moves_from, "");
  EXPECT_FALSE(wants_certificate(moved));
}

TEST(IdsToRemove, NeverTheLiveOne) {
  auto device = enrolled_camera();
  auto journal = before(Step::install);
  EXPECT_THAT(ids_to_remove(device, journal), ElementsAre("lenscap-00000002"));
  journal.installed_id = "lenscap-00000003";  // some firmware wants a new id for the certificate
  EXPECT_THAT(ids_to_remove(device, journal), ElementsAre("lenscap-00000003", "lenscap-00000002"));
  journal.installed_id = "lenscap-00000001";
  EXPECT_THAT(ids_to_remove(device, journal), ElementsAre("lenscap-00000002"));
  journal.ca_ids = {"lenscap-ca-1", "lenscap-ca-2", "their-own"};
  device.live->ca_ids = {"lenscap-ca-1"};
  EXPECT_THAT(ids_to_remove(device, journal), ElementsAre("lenscap-00000002", "lenscap-ca-2"))
      << "neither what the live one needs nor what is not ours";
  device.live->ca_ids.clear();
  auto promoted = promote(before(Step::promote), device, kNow);
  EXPECT_THAT(ids_to_remove(promoted.device, promoted.journal), ElementsAre("lenscap-00000001"));
  promoted.device.leftover_ids = {"lenscap-00000002"};
  EXPECT_THAT(ids_to_remove(promoted.device, promoted.journal), IsEmpty());
}

TEST(NeedsDevice, OnlyWhatIsDoneOnTheDevice) {
  for (auto step : {Step::place_order, Step::get_certificate, Step::promote}) EXPECT_FALSE(needs_device(step));
  for (auto step : {Step::probe, Step::make_key, Step::install, Step::snapshot, Step::switch_https, Step::verify_served,
                    Step::remove_old, Step::restore, Step::verify_restored, Step::discard}) {
    EXPECT_TRUE(needs_device(step));
    EXPECT_EQ(parse_step(to_string(step)), step);
  }
  EXPECT_EQ(parse_step("nonsense"), std::nullopt);
}

TEST(DescribePlan, SaysWhatWouldBeDone) {
  auto lines = describe_plan(camera(), nullptr, Purpose::enroll);
  EXPECT_EQ(lines.size(), 6U);
  EXPECT_THAT(lines[0], HasSubstr("ACCC8E68D4D2 answers at 10.20.4.119"));
  EXPECT_THAT(lines[1], HasSubstr("cam1.cams.example"));
  EXPECT_EQ(describe_plan(enrolled_camera(), nullptr, Purpose::renew).size(), 7U);
  auto over = fresh();
  run(over);
  EXPECT_EQ(describe_plan(camera(), &over, Purpose::enroll), lines) << "another one begins";
}

TEST(DescribePlan, OfWhatWasInterruptedTheRest) {
  auto journal = before(Step::install);
  auto lines = describe_plan(camera(), &journal, Purpose::enroll);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], HasSubstr("install the certificate"));

  journal = note_failure(begin_step(before(Step::verify_served), Step::verify_served, kNow),
                         {"switched_but_not_served", Retry::later, ""}, kNow);
  lines = describe_plan(camera(), &journal, Purpose::enroll);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("former HTTPS settings back"), HasSubstr("served before"),
                                 HasSubstr("remove the unfinished certificate")));
}

}  // namespace
}  // namespace lenscap::agent
