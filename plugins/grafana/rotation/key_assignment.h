// Which of several secret_keys opens what: each data key, each legacy value.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "plugins/grafana/rotation/keyed_cells.h"

namespace coffer::grafana {

// Whether this says enough for a key beside `others` that are under other keys: a tag, or that not one of those comes
// so far under it, but for a chance of at most 2^-10. One of them needs 6 letters, a thousand need 12.
bool IsTelling(const Trial& trial, std::size_t others);

struct KeyAssignment {
  // Of the candidates; nothing where none opens it.
  std::vector<std::optional<std::size_t>> of_data_key;  // as KeyedCells::data_keys()
  std::vector<std::optional<std::size_t>> of_value;     // as KeyedCells::values()
  std::vector<SecretBytes> plaintexts;                  // of the values that have a candidate; else empty
  // What came of that candidate.
  std::vector<Trial> data_key_trials;
  std::vector<Trial> value_trials;
  // It may as well be under another key: it says too little by itself, and another of the keys fits too, or something
  // else is under a key that is not among them.
  std::vector<bool> is_data_key_doubtful;
  std::vector<bool> is_value_doubtful;

  std::vector<bool> proven;  // of each candidate
  // Candidates that nothing speaks against on what is left, and too little for.
  std::vector<std::size_t> possible;

  bool IsComplete() const;
  bool AnyProven() const;
  // What is doubtful has no candidate from here on.
  void LeaveDoubtful();
  // Gives all that has no candidate to this one, which is one of `possible`.
  void AcceptUnproven(const KeyedCells& cells, const SecretBytes& key, std::size_t candidate);
};

// Tries the candidates in their order, each on what those before it do not open. A candidate that is not proven
// (key_trials.h) is given nothing. About 2 ms for each value and each sample of a data key; as much again for what says
// little, where several candidates are proven.
KeyAssignment AssignKeys(const KeyedCells& cells, std::span<const SecretBytes* const> candidates, unsigned threads,
                         const std::function<void(std::size_t done, std::size_t total)>& on_progress);

}  // namespace coffer::grafana
