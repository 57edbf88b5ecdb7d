// The commands that write, each with what has to stand there before: a CA with a root of its own, one below a parent,
// one that was restored, one with two roots. What a command changes is seen by comparing all that lies in `here`;
// another command judges what came of it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/traced.h"
#include "tests/fakes/corporation.h"

namespace lenscap::e2e {

// What lies below a folder, with its mode, but for what lies beside a file while it is replaced, and what tells LMDB
// and us who uses the store. Of a store, what each table holds for whoever reads it, as "FILE:TABLE".
using Tree = std::map<std::string, std::string>;
Tree tree_of(std::string const& folder);
// Keys are made by chance: which files came, went and changed is what two runs have in common.
std::set<std::string> changes(Tree const& before, Tree const& after);

struct Command {
  std::string name;
  std::vector<std::string> words;
  std::function<void()> prepare;        // what stands in `here` before
  std::vector<std::string> judge = {};  // a command that has to end well when all is done
  bool once = false;                    // done twice it is refused
  bool goes_on = false;                 // what it left half done, the next time does the rest of
  std::string by_the_way = {};          // a file of the state: without that change, what it has done is good
};

struct Commands : Traced {
  std::string const here = ca.path("here");
  std::string const state = here + "/state";
  fakes::Corporation corporation;

  void SetUp() override;
  // Those whose names LENSCAP_COMMANDS, a regular expression, takes; all where it is not set.
  std::vector<Command> chosen();

  Ran run_here(std::vector<std::string> words, std::vector<std::string> before = {});
  void begin(Command const& command);
  // With a store, its settings and its certificate: the second is the last that `init` writes, the third comes from the
  // parent.
  bool is_ca() const;
  void expect_whole_store();  // where there is a CA: every promise is kept
  void expect_judged(Command const& command);
  void expect_done(Command const& command, Tree const& before, std::set<std::string> const& expected);
  // An init that ended just before its last step leaves that to whoever reads what the next one says; a root seal and a
  // restore, the removal of what was left. Is the command to be said again?
  bool follow_advice(std::string const& said);

 private:
  std::vector<Command> all();
  void must(std::vector<std::string> words);
  std::function<void()> on(std::string const& from);
  // As seal_lightly(): most of the time would go into opening keys.
  void seal_lightly_with(std::string const& words_file, std::string const& key);
};

}  // namespace lenscap::e2e
