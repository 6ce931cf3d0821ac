// A plugin on trial in this child process: loaded, spied on, and made to live against the fake host.
#pragma once

#include <memory>
#include <string>

#include "host/kit/opened.h"
#include "host/kit/report.h"
#include "host/kit/spy.h"
#include "mimus/testing/fake_host.h"

namespace mimus::kit {

/// Tells report() which hook runs.
class StepWatcher : public Watcher {
 public:
  void enter_hook(const char* name) override;
  void leave_hook(const char* name) override;
  /// The last hook that was entered.
  const char* last() const { return last_; }

 private:
  const char* last_ = "";
  std::vector<const char*> before_;
};

/// Of a fake host that has begun: why it could not, "" if it did. `last` is the hook it came to.
std::string refusal_of(const testing::FakeHost& host, const char* last);

/// All that this process was given on stdin, at most 1 MiB.
std::string standard_input();

/// Binds all definitions(manifest) and shows each binding all `samples`; opens channels.
struct Walk {
  bool large = false;  ///< The large samples too.
  bool cut = true;     ///< Also cut exchanges off, before an answer and while suspended.
};
void walk(testing::FakeHost& host, const Manifest& manifest, const Walk& how);

}  // namespace mimus::kit
