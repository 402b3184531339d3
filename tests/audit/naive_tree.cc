#include "tests/audit/naive_tree.h"

#include <algorithm>

namespace coffer::audit {

std::string RecordText(std::size_t index) { return "record " + std::to_string(index); }

NaiveTree NaiveTree::OfCount(std::size_t count) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(LeafHash(AsBytes(RecordText(i))));
  return NaiveTree(std::move(leaves));
}

std::size_t NaiveTree::Split(std::size_t size) {
  std::size_t split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

Digest NaiveTree::Mth(std::size_t begin, std::size_t end) const {
  if (begin == end) return Sha256({});
  if (end - begin == 1) return leaves_[begin];
  const auto found = known_.find({begin, end});
  if (found != known_.end()) return found->second;
  const std::size_t middle = begin + Split(end - begin);
  const Digest mth = NodeHash(Mth(begin, middle), Mth(middle, end));
  known_[{begin, end}] = mth;
  return mth;
}

Proof NaiveTree::PathIn(std::size_t index, std::size_t begin, std::size_t end) const {
  if (end - begin == 1) return {};
  const std::size_t middle = begin + Split(end - begin);
  const bool in_left = index < middle;
  Proof path = in_left ? PathIn(index, begin, middle) : PathIn(index, middle, end);
  path.push_back(in_left ? Mth(middle, end) : Mth(begin, middle));
  return path;
}

Proof NaiveTree::SubProof(std::size_t from, std::size_t begin, std::size_t end, bool is_known) const {
  if (from == end) return is_known ? Proof() : Proof{Mth(begin, end)};
  const std::size_t middle = begin + Split(end - begin);
  const bool in_left = from <= middle;
  Proof proof = in_left ? SubProof(from, begin, middle, is_known) : SubProof(from, middle, end, false);
  proof.push_back(in_left ? Mth(middle, end) : Mth(begin, middle));
  return proof;
}

HashSource NaiveTree::Source() const {
  return [this](unsigned level, std::uint64_t index) -> Result<Digest> {
    ++asked_;
    const std::size_t leaves = std::size_t{1} << level;
    const auto begin = static_cast<std::size_t>(index) * leaves;
    if (begin + leaves > leaves_.size()) return Error(ErrorCode::kInternal, "asked outside of the tree");
    return Mth(begin, begin + leaves);
  };
}

std::vector<Bytes> ReferenceRecords() {
  std::vector<Bytes> records;
  for (const char* hex :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) {
    records.push_back(FromHex(hex).value());
  }
  return records;
}

std::vector<Digest> ReferenceRoots() {
  std::vector<Digest> roots;
  for (const char* hex : {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                          "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                          "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                          "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                          "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                          "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                          "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"}) {
    roots.push_back(DigestOfHex(hex));
  }
  return roots;
}

Digest DigestOfHex(std::string_view hex) {
  const Bytes bytes = FromHex(hex).value();
  Digest digest{};
  COFFER_CHECK(bytes.size() == digest.size());
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace coffer::audit
