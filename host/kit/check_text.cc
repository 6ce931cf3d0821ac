// The report of the checks, written down.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/kit/check.h"

namespace mimus::kit {
namespace {

using Json = nlohmann::ordered_json;

std::string seconds(std::chrono::microseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(time.count()) / 1e6);
  return text;
}

std::string dumped(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

/// Valid UTF-8, whatever it was.
std::string clean(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

bool fails(const Remark& remark, bool strict) {
  return remark.level == Level::error || (strict && remark.level == Level::warning);
}
bool fails(const CheckResult& check, bool strict) {
  for (const Remark& remark : check.remarks) {
    if (fails(remark, strict)) return true;
  }
  return false;
}

std::string subject(const CheckReport& report) {
  return report.id.empty() ? report.file : report.id + " " + report.version;
}

std::string some(std::size_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string as_text(const CheckReport& report, bool strict) {
  std::string out = clean(subject(report)) + "\n";
  for (const CheckResult& check : report.checks) {
    char line[160];
    const char* const state = fails(check, strict) ? "FAIL" : check.level() == Level::warning ? "warn" : "ok";
    std::snprintf(line, sizeof line, "  %-4s  %-14s  %s\n", state, check.name.c_str(), check.title.c_str());
    out += line;
    for (const Remark& remark : check.remarks)
      out += "          " + std::string(name_of(remark.level)) + ": " + clean(remark.text) + "\n";
  }
  return out + some(report.checks.size(), "check") + ", " + some(report.count(Level::error), "error") + ", " +
         some(report.count(Level::warning), "warning") + ", " + seconds(report.took) + " s, seed " +
         std::to_string(report.seed) + (report.passed(strict) ? "" : "; see sdk/docs/check.md") + "\n";
}

std::string as_json(const CheckReport& report, bool strict) {
  Json out{{"file", report.file},
           {"id", report.id},
           {"version", report.version},
           {"level", strict ? "strict" : "basic"},
           {"seed", report.seed},
           {"passed", report.passed(strict)},
           {"errors", report.count(Level::error)},
           {"warnings", report.count(Level::warning)},
           {"micros", report.took.count()},
           {"checks", Json::array()}};
  for (const CheckResult& check : report.checks) {
    Json remarks = Json::array();
    for (const Remark& remark : check.remarks)
      remarks.push_back({{"level", name_of(remark.level)}, {"text", remark.text}});
    out["checks"].push_back({{"name", check.name},
                             {"title", check.title},
                             {"passed", !fails(check, strict)},
                             {"micros", check.took.count()},
                             {"remarks", std::move(remarks)}});
  }
  return dumped(out) + "\n";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : clean(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += ' ';
    } else if (c == '&' || c == '<' || c == '>' || c == '"') {
      out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string as_junit(const CheckReport& report, bool strict) {
  std::size_t failures = 0;
  std::string cases;
  for (const CheckResult& check : report.checks) {
    cases += "    <testcase classname=\"" + escaped(report.id.empty() ? report.file : report.id) +
             "\" name=\"" + escaped(check.name) + "\" time=\"" + seconds(check.took) + "\">\n";
    std::string failed, other;
    for (const Remark& remark : check.remarks)
      (fails(remark, strict) ? failed : other) +=
          std::string(name_of(remark.level)) + ": " + remark.text + "\n";
    if (!failed.empty()) {
      ++failures;
      cases += "      <failure message=\"" + escaped(check.title) + "\">" + escaped(failed) + "</failure>\n";
    }
    if (!other.empty()) cases += "      <system-out>" + escaped(other) + "</system-out>\n";
    cases += "    </testcase>\n";
  }
  const std::string counts = "tests=\"" + std::to_string(report.checks.size()) + "\" failures=\"" +
                             std::to_string(failures) + "\" errors=\"0\" time=\"" + seconds(report.took) +
                             "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + counts + ">\n  <testsuite name=\"" +
         escaped("mimus plugin check " + subject(report)) + "\" " + counts + ">\n" + cases +
         "  </testsuite>\n</testsuites>\n";
}

}  // namespace

std::string written(const CheckReport& report, CheckFormat format, bool strict) {
  if (format == CheckFormat::json) return as_json(report, strict);
  return format == CheckFormat::junit ? as_junit(report, strict) : as_text(report, strict);
}

}  // namespace mimus::kit
