// A heap of plans, and as few timers as it needs.
#include "plugins/channels/timeline.h"

#include <algorithm>
#include <utility>

namespace mimus::channels {
namespace {

bool later(const Plan& a, const Plan& b) {
  return a.due_ms != b.due_ms ? a.due_ms > b.due_ms : a.rank > b.rank;
}

std::size_t size_of(const Plan& plan) { return plan.message == nullptr ? 0 : plan.message->size(); }

}  // namespace

void Timeline::add(Plan plan) {
  plans_.push_back(std::move(plan));
  std::push_heap(plans_.begin(), plans_.end(), later);
}

bool Timeline::add_answer(Plan plan) {
  if (waiting_ == most_answers || waiting_bytes_ + size_of(plan) > most_answer_bytes) return false;
  ++waiting_;
  waiting_bytes_ += size_of(plan);
  plan.rank = first_answer + answers_++;
  add(std::move(plan));
  return true;
}

Plan Timeline::take() {
  std::pop_heap(plans_.begin(), plans_.end(), later);
  Plan plan = std::move(plans_.back());
  plans_.pop_back();
  if (plan.rank >= first_answer) {
    --waiting_;
    waiting_bytes_ -= size_of(plan);
  }
  return plan;
}

bool Timeline::set_alarm(std::uint64_t due_ms) {
  if (!alarms_.empty() && alarms_.back() <= due_ms) return false;
  alarms_.push_back(due_ms);
  return true;
}

void Timeline::alarm_rang(std::uint64_t due_ms) { std::erase(alarms_, due_ms); }

std::uint64_t Timeline::count(std::size_t rule) {
  if (rule >= counts_.size()) counts_.resize(rule + 1);
  return ++counts_[rule];
}

}  // namespace mimus::channels
