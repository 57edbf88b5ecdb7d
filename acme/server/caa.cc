#include "acme/server/caa.h"

#include <map>

#include "acme/server/app.h"
#include "acme/server/records.h"

namespace lenscap::acme {
namespace {

// Of all look-ups of one check: under limits::kHandlerDeadline, since a client waits for the answer.
constexpr std::chrono::seconds kDeadline{15};

using Records = Result<std::vector<Bytes>>;

// What was looked up already: names of one order mostly share their parents.
using Known = std::map<std::string, Records>;

// The first set on the way up that has records (8659-3-1). A CNAME is followed by the resolver; its target's own
// parents do not count.
net::Awaitable<Records> find_records(App& app, x509::DnsName name, Known& known, Resolver::Deadline deadline) {
  for (auto const& at : caa_climb(name)) {
    auto found = known.find(at);
    if (found == known.end()) {
      auto records = co_await app.resolver.caa(at, deadline);
      found = known.emplace(at, std::move(records)).first;
    }
    if (!found->second || !found->second->empty()) co_return found->second;
  }
  co_return std::vector<Bytes>();
}

std::string joined(std::vector<std::string> const& texts) {
  std::string out;
  for (auto const& text : texts) out += (out.empty() ? "" : ", ") + text.substr(0, 200);
  return out;
}

SubError sub_error(CaaQuestion const& question, Error const& why) {
  return {Errc::caa, why.detail(), "dns", (question.wildcard ? "*." : "") + question.name.text()};
}

}  // namespace

net::Awaitable<Result<>> check_caa(App& app, std::vector<CaaQuestion> questions) {
  if (app.settings.caa == CaaMode::off) co_return Result<>();
  Known known;
  auto const deadline = Resolver::in(kDeadline);
  std::vector<SubError> refused;
  for (auto const& question : questions) {
    auto const records = co_await find_records(app, question.name, known, deadline);
    if (!records) {
      app.log.warning("caa.not_found_out", {{"name", question.name.text()}, {"error", records.error().detail()}});
      if (app.settings.caa == CaaMode::strict) refused.push_back(sub_error(question, records.error()));
      continue;
    }
    auto const judged = judge_caa(*records, question, app.settings.caa_identities);
    if (judged) continue;
    refused.push_back(sub_error(question, judged.error()));
    app.log.warning("caa.refused", {{"name", question.name.text()},
                                    {"account", question.account_uri},
                                    {"method", question.method},
                                    {"iodef", joined(caa_iodef(*records))}});
  }
  if (!refused.empty()) co_return refuse_identifiers(std::move(refused));
  co_return Result<>();
}

net::Awaitable<Result<>> recheck_caa(App& app, std::string order_id, std::string account_id, Time now) {
  if (app.settings.caa == CaaMode::off) co_return Result<>();
  auto load = [&](store::ReadTxn& txn) -> Result<std::vector<Authorization>> {
    TRY(auto const order, load_order(txn, order_id, account_id));
    return load_authorizations(txn, order);
  };
  CO_TRY(auto const authorizations, co_await app.db.read(load));
  std::vector<CaaQuestion> questions;
  for (auto const& authorization : authorizations)
    if (is_caa_due(authorization, now))
      questions.push_back(caa_question(authorization, app.settings.urls.account(account_id)));
  co_return co_await check_caa(app, std::move(questions));
}

}  // namespace lenscap::acme
