// The words of CQL.
//
// A keyword is an unquoted word, whatever its case. A *reserved* one cannot be used as a name
// unless it is written in double quotes; every other keyword means what its place in the statement
// says, so that `key`, `type`, `timestamp` or `ttl` are good column names. The reserved words are
// those of Cassandra 5.0, and TRUE and FALSE, which Cassandra's lexer takes for literals. Words
// that are unreserved and never decide how a statement is parsed (`text`, `name`) are not listed
// here: they are plain names.
#pragma once

#include <cstdint>
#include <string_view>

namespace tholos::cql {

// clang-format off
// X(enumerator, SPELLING, reserved), sorted by spelling: FindKeyword searches the list by bisection.
#define THOLOS_CQL_KEYWORDS(X) \
  X(kAdd, ADD, true) X(kAggregate, AGGREGATE, false) X(kAggregates, AGGREGATES, false) X(kAllow, ALLOW, true) \
  X(kAlter, ALTER, true) X(kAnd, AND, true) X(kAnn, ANN, false) X(kApply, APPLY, true) X(kAs, AS, false) \
  X(kAsc, ASC, true) X(kAuthorize, AUTHORIZE, true) X(kBatch, BATCH, true) X(kBegin, BEGIN, true) \
  X(kBetween, BETWEEN, false) X(kBy, BY, true) X(kCast, CAST, false) X(kCluster, CLUSTER, false) \
  X(kClustering, CLUSTERING, false) X(kColumnFamily, COLUMNFAMILY, true) X(kCompact, COMPACT, false) \
  X(kContains, CONTAINS, false) X(kCount, COUNT, false) X(kCounter, COUNTER, false) X(kCreate, CREATE, true) \
  X(kCustom, CUSTOM, false) X(kDefault, DEFAULT, false) X(kDelete, DELETE, true) X(kDesc, DESC, true) \
  X(kDescribe, DESCRIBE, true) X(kDistinct, DISTINCT, false) X(kDrop, DROP, true) X(kEntries, ENTRIES, true) \
  X(kExecute, EXECUTE, true) X(kExists, EXISTS, false) X(kFalse, FALSE, true) X(kFiltering, FILTERING, false) \
  X(kFrom, FROM, true) X(kFull, FULL, true) X(kFunction, FUNCTION, false) X(kFunctions, FUNCTIONS, false) \
  X(kGrant, GRANT, true) X(kGroup, GROUP, false) X(kIdentity, IDENTITY, false) X(kIf, IF, true) \
  X(kIn, IN, true) X(kIndex, INDEX, true) X(kInfinity, INFINITY, true) X(kInsert, INSERT, true) \
  X(kInternals, INTERNALS, false) X(kInto, INTO, true) X(kIs, IS, true) X(kJson, JSON, false) \
  X(kKey, KEY, false) X(kKeyspace, KEYSPACE, true) X(kKeyspaces, KEYSPACES, false) X(kLike, LIKE, false) \
  X(kLimit, LIMIT, true) X(kList, LIST, false) X(kMasked, MASKED, false) X(kMaterialized, MATERIALIZED, true) \
  X(kModify, MODIFY, true) X(kNan, NAN, true) X(kNoRecursive, NORECURSIVE, true) X(kNot, NOT, true) \
  X(kNull, NULL, true) X(kOf, OF, true) X(kOn, ON, true) X(kOnly, ONLY, false) X(kOr, OR, true) \
  X(kOrder, ORDER, true) X(kPartition, PARTITION, false) X(kPer, PER, false) X(kPrimary, PRIMARY, true) \
  X(kRename, RENAME, true) X(kReplace, REPLACE, false) X(kRevoke, REVOKE, true) X(kRole, ROLE, false) \
  X(kSchema, SCHEMA, true) X(kSelect, SELECT, true) X(kSet, SET, true) X(kStatic, STATIC, false) \
  X(kStorage, STORAGE, false) X(kTable, TABLE, true) X(kTables, TABLES, false) \
  X(kTimestamp, TIMESTAMP, false) X(kTo, TO, true) X(kToken, TOKEN, true) X(kTrigger, TRIGGER, false) \
  X(kTrue, TRUE, true) X(kTruncate, TRUNCATE, true) X(kTtl, TTL, false) X(kType, TYPE, false) \
  X(kTypes, TYPES, false) X(kUnlogged, UNLOGGED, true) X(kUnset, UNSET, false) X(kUpdate, UPDATE, true) \
  X(kUse, USE, true) X(kUser, USER, false) X(kUsing, USING, true) X(kValues, VALUES, false) \
  X(kVector, VECTOR, false) X(kView, VIEW, true) X(kWhere, WHERE, true) X(kWith, WITH, true)
// clang-format on

enum class Keyword : uint8_t {
  kNone,  // not a keyword
#define X(enumerator, spelling, reserved) enumerator,
  THOLOS_CQL_KEYWORDS(X)
#undef X
};

// The keyword that `word` spells in any case, or kNone.
Keyword FindKeyword(std::string_view word);

// The upper-case spelling, alive for ever; "" for kNone.
std::string_view Spelling(Keyword keyword);

// Whether the word needs double quotes to be a name. False for kNone.
bool IsReserved(Keyword keyword);

}  // namespace tholos::cql
