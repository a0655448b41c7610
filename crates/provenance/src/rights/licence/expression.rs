//! Licences as a source states them: expressions, addresses, or words.

use super::table::{Licence, Table};
use spdx::expression::{ExprNode, Operator};
use spdx::{Expression, LicenseReq, ParseMode};

/// More than anybody writes; keeps choices between licences few.
const MOST_CHOICES: usize = 64;
const MOST_BYTES: usize = 2000;

/// Licences that hold together.
pub(super) type Together = Vec<Licence>;

/// What a source states: one of several lists of licences, each of which holds as a whole. An error has the part that is none, or
/// is not in the table.
pub(super) fn read(table: &Table, words: &str) -> Result<Vec<Together>, String> {
    let words = words.trim();
    if let Some(licence) = single(table, words) {
        return Ok(vec![vec![licence]]);
    }
    let mode = ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };
    let parsed = (words.len() <= MOST_BYTES).then(|| Expression::parse_mode(words, mode).ok()).flatten();
    choices(table, &parsed.ok_or_else(|| words.to_owned())?)
}

/// A licence by its identifier or an alias.
fn single(table: &Table, words: &str) -> Option<Licence> {
    table.licence(words).or_else(|| table.licence(&table.alias(words)?))
}

/// The expression, which comes in postfix order, as a choice between lists.
fn choices(table: &Table, expression: &Expression) -> Result<Vec<Together>, String> {
    let mut stack: Vec<Vec<Together>> = Vec::new();
    for node in expression.iter() {
        let value = match node {
            ExprNode::Req(required) => vec![vec![licence(table, &required.req)?]],
            ExprNode::Op(operator) => {
                let (Some(right), Some(left)) = (stack.pop(), stack.pop()) else {
                    return Err(expression.to_string());
                };
                match operator {
                    Operator::Or => left.into_iter().chain(right).collect(),
                    Operator::And => both(&left, &right),
                }
            }
        };
        if value.len() > MOST_CHOICES {
            return Err(expression.to_string());
        }
        stack.push(value);
    }
    stack.pop().ok_or_else(|| expression.to_string())
}

fn both(left: &[Together], right: &[Together]) -> Vec<Together> {
    left.iter().flat_map(|a| right.iter().map(move |b| a.iter().chain(b).cloned().collect())).collect()
}

/// An exception (`WITH`) only permits more: the licence is taken without it.
fn licence(table: &Table, required: &LicenseReq) -> Result<Licence, String> {
    let id = required.license.to_string();
    single(table, &id).ok_or(id)
}
