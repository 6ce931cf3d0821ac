// Which images may not be loaded again, and why: strikes by hash, kept in the data directory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/crash_page.h"
#include "mimus/result.h"

namespace mimus {

/// One end of the server, for GET /admin/plugins and the log.
struct PastCrash {
  std::int64_t time_us = 0;       ///< Wall clock.
  std::string reason;             ///< Blame::reason.
  std::string id, version, hash;  ///< "" where no plugin is blamed.
  bool quarantined = false;       ///< Because of this one.
};

/// What the supervisor tells the server that it starts.
struct Supervision {
  bool on = false;                    ///< --supervise.
  unsigned restarts = 0;              ///< Starts after the first.
  bool announced = false;             ///< A server before has said that it is ready.
  bool safe_mode = false;             ///< Load built-in plugins only; see CrashPage::safe_mode.
  std::int64_t died_us = 0;           ///< When the server before ended, as Clock::now.
  std::vector<PastCrash> crashes;     ///< Newest last, the last 16.
  std::vector<std::string> loaded;    ///< Hashes of the images that the server before had: tried already.
  std::vector<std::string> unproven;  ///< Of those that were on probation then, or a canary.
};

/// What is held against one image hash.
struct Charge {
  std::string id, version, hash;
  std::string reason;                 ///< Of the last strike.
  std::vector<std::int64_t> strikes;  ///< Wall clock, µs; those that still count.
  bool quarantined = false;
  std::string by;  ///< "supervisor", or who else did it.
};

/// Not thread-safe: the supervisor has it while no server runs, the server after that.
class Quarantine {
 public:
  /// Strikes by which a built-in plugin, or one that is only suspected, is quarantined.
  static constexpr std::size_t max_strikes = 3;
  static constexpr std::int64_t strike_window_us = 10ll * 60 * 1'000'000;
  static constexpr std::size_t max_charges = 256;  ///< The oldest that is not quarantined goes first.

  /// Holds the blame against its image; one that blames no image changes nothing. An image
  /// on probation, or a third party's by certain evidence, is quarantined at the first
  /// strike; any other at the third within ten minutes. True: it is quarantined by this.
  bool strike(const Blame& blame, std::int64_t wall_us);
  /// Puts this in the place of what was held against its hash: an operator's word, a failed probation.
  void add(Charge charge);
  bool pardon(std::string_view hash);  ///< False: nothing was held against it.

  bool refuses(std::string_view hash) const;
  const Charge* find(std::string_view hash) const;
  const std::vector<Charge>& charges() const { return charges_; }

  std::string json() const;
  /// Errors: invalid
  static Result<Quarantine> parse(std::string_view text);

 private:
  void make_room();
  std::vector<Charge> charges_;
};

/// DATA/plugins/quarantine.json; one that is not there is empty.
/// Errors: invalid - what it holds, naming it;  unavailable - the disk refused
Result<Quarantine> read_quarantine(const std::string& data);
/// Replaced in one step, synced. Errors: unavailable
Status write_quarantine(const std::string& data, const Quarantine& quarantine);

}  // namespace mimus
